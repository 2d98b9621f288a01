# Roles that pods take on by the cluster's issuer (IRSA), each for one account in one namespace.

locals {
  # What a role says of the one Kubernetes account that may take it on.
  trust = {
    for account in ["${var.namespace}:portcullis-backend", "cert-manager:cert-manager", "external-secrets:external-secrets", "kube-system:ebs-csi-controller-sa", "kube-system:cluster-autoscaler"] :
    account => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = aws_iam_openid_connect_provider.cluster.arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = "system:serviceaccount:${account}"
          }
        }
      }]
    })
  }
}

# --- The backend: asks the models that are named, and signs on to its database.
resource "aws_iam_role" "backend" {
  name               = "${var.cluster_name}-backend"
  assume_role_policy = local.trust["${var.namespace}:portcullis-backend"]
}

resource "aws_iam_role_policy" "bedrock" {
  name = "ask-models"
  role = aws_iam_role.backend.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid    = "AskModels"
        Effect = "Allow"
        # Converse and ConverseStream are allowed by these two.
        Action = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
        # A profile asks its models in other regions; without one it is this region.
        Resource = [
          for model in sort(var.bedrock_models) :
          "${local.arn}:bedrock:${length(var.bedrock_inference_profiles) > 0 ? "*" : var.region}::foundation-model/${model}"
        ]
      }],
      [for statement in [{
        Sid      = "AskProfiles"
        Effect   = "Allow"
        Action   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
        Resource = [for profile in sort(var.bedrock_inference_profiles) : "${local.arn}:bedrock:${var.region}:${local.account}:inference-profile/${profile}"]
      }] : statement if length(var.bedrock_inference_profiles) > 0],
    )
  })
}

resource "aws_iam_role_policy" "database" {
  count = var.sql_enabled ? 1 : 0

  name = "sign-on-to-database"
  role = aws_iam_role.backend.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "${local.arn}:rds-db:${var.region}:${local.account}:dbuser:${aws_db_instance.this[0].resource_id}/portcullis"
    }]
  })
}

# --- cert-manager: proves by a DNS record that the domain is ours.
resource "aws_iam_role" "cert_manager" {
  count = var.domain == "" ? 0 : 1

  name               = "${var.cluster_name}-cert-manager"
  assume_role_policy = local.trust["cert-manager:cert-manager"]
}

resource "aws_iam_role_policy" "cert_manager" {
  count = var.domain == "" ? 0 : 1

  name = "prove-the-domain"
  role = aws_iam_role.cert_manager[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"]
        Resource = "${local.arn}:route53:::hostedzone/${aws_route53_zone.this[0].zone_id}"
        # Of all records, only those that prove.
        Condition = { "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["TXT"] } }
      },
      {
        Effect   = "Allow"
        Action   = "route53:GetChange"
        Resource = "${local.arn}:route53:::change/*"
      },
    ]
  })
}

# --- Standard only: volumes, and the number of nodes.
resource "aws_iam_role" "volumes" {
  count = local.auto ? 0 : 1

  name               = "${var.cluster_name}-volumes"
  assume_role_policy = local.trust["kube-system:ebs-csi-controller-sa"]
}

resource "aws_iam_role_policy_attachment" "volumes" {
  count = local.auto ? 0 : 1

  role       = aws_iam_role.volumes[0].name
  policy_arn = "${local.arn}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}

resource "aws_iam_role" "autoscaler" {
  count = local.auto ? 0 : 1

  name               = "${var.cluster_name}-autoscaler"
  assume_role_policy = local.trust["kube-system:cluster-autoscaler"]
}

resource "aws_iam_role_policy" "autoscaler" {
  #checkov:skip=CKV_AWS_355:What only describes has no resource to name
  #checkov:skip=CKV_AWS_290:What changes something is bound to the groups of this cluster by their tag
  count = local.auto ? 0 : 1

  name = "scale-node-groups"
  role = aws_iam_role.autoscaler[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "autoscaling:DescribeAutoScalingGroups",
          "autoscaling:DescribeAutoScalingInstances",
          "autoscaling:DescribeLaunchConfigurations",
          "autoscaling:DescribeScalingActivities",
          "ec2:DescribeImages",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeLaunchTemplateVersions",
          "ec2:GetInstanceTypesFromInstanceRequirements",
          "eks:DescribeNodegroup",
        ]
        Resource = "*"
      },
      {
        Effect    = "Allow"
        Action    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:ResourceTag/eks:cluster-name" = var.cluster_name } }
      },
    ]
  })
}
