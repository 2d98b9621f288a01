# external-secrets brings the secrets into the cluster where Argo CD does what deploy.sh does elsewhere.
resource "google_service_account" "external_secrets" {
  count = var.external_secrets ? 1 : 0

  account_id   = "${var.cluster_name}-external-secrets"
  display_name = "Portcullis: external-secrets"

  depends_on = [google_project_service.this]
}

resource "google_service_account_iam_member" "external_secrets" {
  count = var.external_secrets ? 1 : 0

  service_account_id = google_service_account.external_secrets[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project_id}.svc.id.goog[external-secrets/external-secrets]"

  # The pool is there once the first cluster is.
  depends_on = [google_container_cluster.this]
}

# Of the project's secrets, the gateway's.
resource "google_secret_manager_secret_iam_member" "external_secrets" {
  for_each = var.external_secrets ? local.secrets : toset([])

  secret_id = google_secret_manager_secret.this[each.value].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.external_secrets[0].member
}
