# One cluster, in one of two modes, with its nodes in private subnets in both.

resource "aws_cloudwatch_log_group" "cluster" {
  # EKS writes to this name; made here, it has a key and an end.
  name              = "/aws/eks/${var.cluster_name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_iam_role" "cluster" {
  name = "${var.cluster_name}-cluster"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  for_each = toset(concat(
    ["AmazonEKSClusterPolicy"],
    local.auto ? [
      "AmazonEKSBlockStoragePolicy",
      "AmazonEKSComputePolicy",
      "AmazonEKSLoadBalancingPolicy",
      "AmazonEKSNetworkingPolicy",
    ] : [],
  ))

  role       = aws_iam_role.cluster.name
  policy_arn = "${local.arn}:iam::aws:policy/${each.value}"
}

resource "aws_eks_cluster" "this" {
  #checkov:skip=CKV_AWS_38:Nobody's range is the default; the whole Internet is refused by the variable
  #checkov:skip=CKV_AWS_39:There is a public address only where authorized_networks names who may reach it
  name     = var.cluster_name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.cluster.arn

  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  bootstrap_self_managed_addons = !local.auto

  vpc_config {
    subnet_ids              = [for subnet in aws_subnet.private : subnet.id]
    endpoint_private_access = true
    endpoint_public_access  = length(var.authorized_networks) > 0
    public_access_cidrs     = length(var.authorized_networks) > 0 ? var.authorized_networks : null
  }

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = length(var.admin_principals) == 0
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.this.arn
    }
  }

  upgrade_policy {
    support_type = "STANDARD"
  }

  # The three go together: AWS refuses one without the others.
  compute_config {
    enabled       = local.auto
    node_pools    = local.auto ? ["general-purpose", "system"] : null
    node_role_arn = local.auto ? aws_iam_role.nodes.arn : null
  }

  kubernetes_network_config {
    elastic_load_balancing {
      enabled = local.auto
    }
  }

  storage_config {
    block_storage {
      enabled = local.auto
    }
  }

  depends_on = [aws_iam_role_policy_attachment.cluster, aws_cloudwatch_log_group.cluster]
}

resource "aws_eks_access_entry" "admin" {
  for_each = var.admin_principals

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = var.admin_principals

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value
  policy_arn    = "${local.arn}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }

  depends_on = [aws_eks_access_entry.admin]
}

# Pods are believed by the cluster's own issuer (IRSA).
resource "aws_iam_openid_connect_provider" "cluster" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  issuer = trimprefix(aws_iam_openid_connect_provider.cluster.url, "https://")

  # What scales by load asks the metrics server, in both modes. Auto Mode has the others built in.
  addons = merge(
    { metrics-server = { configuration = null, role = null } },
    local.auto ? {} : {
      # NetworkPolicy is enforced only where it is asked for.
      vpc-cni            = { configuration = jsonencode({ enableNetworkPolicy = "true" }), role = null }
      kube-proxy         = { configuration = null, role = null }
      coredns            = { configuration = null, role = null }
      aws-ebs-csi-driver = { configuration = null, role = aws_iam_role.volumes[0].arn }
    },
  )
}

resource "aws_eks_addon" "this" {
  for_each = local.addons

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value.configuration
  service_account_role_arn    = each.value.role
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [aws_eks_node_group.requests]
}
