# Two buckets, in the region: what the gateway says of itself, and who did what.

resource "google_logging_project_bucket_config" "gateway" {
  project          = var.project_id
  location         = var.region
  bucket_id        = "${var.cluster_name}-gateway"
  description      = "Logs of the gateway's pods, Kong's and the control plane's"
  retention_days   = var.log_retention_days
  enable_analytics = true

  depends_on = [google_project_service.this]
}

resource "google_logging_project_bucket_config" "audit" {
  project          = var.project_id
  location         = var.region
  bucket_id        = "${var.cluster_name}-audit"
  description      = "Who administered, who read a secret, who asked a model"
  retention_days   = var.audit_retention_days
  locked           = var.audit_lock
  enable_analytics = true

  depends_on = [google_project_service.this]
}

resource "google_logging_project_sink" "gateway" {
  name                   = "${var.cluster_name}-gateway"
  description            = "The gateway's logs into their own bucket"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.gateway.id}"
  unique_writer_identity = true

  filter = <<-FILTER
    (resource.type="k8s_container" OR resource.type="k8s_pod" OR resource.type="k8s_control_plane_component")
    resource.labels.cluster_name="${var.cluster_name}"
    resource.labels.location="${var.region}"
  FILTER
}

resource "google_logging_project_sink" "audit" {
  name                   = "${var.cluster_name}-audit"
  description            = "Audit logs into their own bucket"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.audit.id}"
  unique_writer_identity = true

  filter = "log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\") OR log_id(\"cloudaudit.googleapis.com/policy\") OR log_id(\"cloudaudit.googleapis.com/access_transparency\")"
}

# Google writes down who changed something without being asked; who read something only where it is asked to.
resource "google_project_iam_audit_config" "this" {
  for_each = toset(["aiplatform.googleapis.com", "secretmanager.googleapis.com", "memorystore.googleapis.com", "cloudsql.googleapis.com"])

  project = var.project_id
  service = each.value

  dynamic "audit_log_config" {
    for_each = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]

    content {
      log_type = audit_log_config.value
    }
  }
}
