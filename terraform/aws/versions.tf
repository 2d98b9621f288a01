# 1.11 is the first with write-only arguments.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # terraform init -backend-config=bucket=B -backend-config=key=portcullis -backend-config=region=R
  #   -backend-config=encrypt=true -backend-config=kms_key_id=K -backend-config=use_lockfile=true
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
