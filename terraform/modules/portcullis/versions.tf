terraform {
  # 1.11 is the first with write-only arguments; ephemeral variables came with 1.10.
  required_version = ">= 1.11, < 2.0"

  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 3.2"
    }
  }
}
