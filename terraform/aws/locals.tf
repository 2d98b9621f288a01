locals {
  tags = merge(var.tags, { app = "portcullis", managed-by = "terraform" })

  auto    = var.cluster_mode == "auto"
  account = data.aws_caller_identity.this.account_id
  arn     = "arn:${data.aws_partition.this.partition}"
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_availability_zones" "this" {
  #checkov:skip=CKV_AWS_394:The first by name are taken, and the letter of a new zone comes after theirs
  state = "available"

  # Local zones have no EKS.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}
