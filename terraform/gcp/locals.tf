locals {
  labels = merge(var.labels, { app = "portcullis", managed-by = "terraform" })

  autopilot = var.cluster_mode == "autopilot"

  # A list of none or one: what a dynamic block wants.
  kms_keys = var.kms_key == "" ? [] : [var.kms_key]

  alert_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
}

data "google_project" "this" {
  project_id = var.project_id
}
