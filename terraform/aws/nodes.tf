# The nodes' role is both modes'; the groups are Standard's only. Auto Mode's own pools take on-demand machines only.

resource "aws_iam_role" "nodes" {
  name = "${var.cluster_name}-nodes"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "nodes" {
  for_each = toset(local.auto ? [
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    ] : [
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
  ])

  role       = aws_iam_role.nodes.name
  policy_arn = "${local.arn}:iam::aws:policy/${each.value}"
}

# A pod does not get at its node's identity: tokens are asked for, and do not travel a hop further.
resource "aws_launch_template" "nodes" {
  for_each = local.auto ? {} : { requests = var.nodes.disk_gb, spot = var.spot_nodes.disk_gb }

  name = "${var.cluster_name}-${each.key}"

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted             = true
      kms_key_id            = aws_kms_key.this.arn
      volume_type           = "gp3"
      volume_size           = each.value
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = "${var.cluster_name}-${each.key}" })
  }
}

resource "aws_eks_node_group" "requests" {
  count = local.auto ? 0 : 1

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "requests"
  node_role_arn   = aws_iam_role.nodes.arn
  subnet_ids      = [for subnet in aws_subnet.private : subnet.id]
  ami_type        = "AL2023_x86_64_STANDARD"
  capacity_type   = "ON_DEMAND"
  instance_types  = var.nodes.instance_types
  labels          = { "portcullis.dev/pool" = "requests" }

  launch_template {
    id      = aws_launch_template.nodes["requests"].id
    version = aws_launch_template.nodes["requests"].latest_version
  }

  scaling_config {
    min_size     = var.nodes.min
    max_size     = var.nodes.max
    desired_size = max(var.nodes.min, min(2, var.nodes.max))
  }

  update_config {
    max_unavailable = 1
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    # The cluster autoscaler's number.
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.nodes]
}

resource "aws_eks_node_group" "spot" {
  count = !local.auto && var.spot_nodes.max > 0 ? 1 : 0

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "spot"
  node_role_arn   = aws_iam_role.nodes.arn
  subnet_ids      = [for subnet in aws_subnet.private : subnet.id]
  ami_type        = "AL2023_x86_64_STANDARD"
  capacity_type   = "SPOT"
  instance_types  = var.spot_nodes.instance_types
  labels          = { "portcullis.dev/pool" = "spot" }

  # Nothing gets here but what says that it may be interrupted. Kong and the backend do not.
  taint {
    key    = "eks.amazonaws.com/capacityType"
    value  = "SPOT"
    effect = "NO_SCHEDULE"
  }

  launch_template {
    id      = aws_launch_template.nodes["spot"].id
    version = aws_launch_template.nodes["spot"].latest_version
  }

  scaling_config {
    min_size     = 0
    max_size     = var.spot_nodes.max
    desired_size = 0
  }

  update_config {
    max_unavailable = 1
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.nodes]
}
