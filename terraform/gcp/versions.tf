# 1.11 is the first with write-only arguments: what is secret never reaches the state.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
    # Only for what Google offers nowhere else yet: Memorystore's authentication by token.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 7.45"
    }
  }

  # terraform init -backend-config=bucket=BUCKET -backend-config=prefix=portcullis
  backend "gcs" {}
}

provider "google" {
  project        = var.project_id
  region         = var.region
  default_labels = local.labels
}

provider "google-beta" {
  project        = var.project_id
  region         = var.region
  default_labels = local.labels
}

# The budget API wants to know whose quota a person's call counts against.
provider "google" {
  alias                 = "budget"
  project               = var.project_id
  region                = var.region
  user_project_override = true
  billing_project       = var.project_id
}
