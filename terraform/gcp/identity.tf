# Who may do what, each as little as works. There is no key of a service account anywhere.

# --- Nodes: write logs and metrics, pull our images.
resource "google_service_account" "nodes" {
  account_id   = "${var.cluster_name}-nodes"
  display_name = "Portcullis: nodes"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "nodes" {
  project = var.project_id
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  location   = google_artifact_registry_repository.this.location
  repository = google_artifact_registry_repository.this.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes.member
}

# --- The backend: asks models, signs on to the database. Its Kubernetes account may be it, and no other.
resource "google_service_account" "backend" {
  account_id   = "${var.cluster_name}-backend"
  display_name = "Portcullis: backend"

  depends_on = [google_project_service.this]
}

resource "google_service_account_iam_member" "backend" {
  service_account_id = google_service_account.backend.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project_id}.svc.id.goog[${var.namespace}/portcullis-backend]"

  # The pool is there once the first cluster is.
  depends_on = [google_container_cluster.this]
}

# roles/aiplatform.user could also train, deploy and delete. Asking a model, published or of our own, is this alone.
resource "google_project_iam_custom_role" "model_caller" {
  role_id     = replace("${var.cluster_name}_model_caller", "-", "_")
  title       = "Portcullis: asks models"
  description = "Asks models on Vertex AI, and nothing else"
  permissions = ["aiplatform.endpoints.predict"]
}

resource "google_project_iam_member" "model_caller" {
  project = var.project_id
  role    = google_project_iam_custom_role.model_caller.id
  member  = google_service_account.backend.member
}

resource "google_project_iam_member" "backend_sql" {
  for_each = var.sql_enabled ? toset(["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) : toset([])

  project = var.project_id
  role    = each.value
  member  = google_service_account.backend.member

  condition {
    title      = "only-our-database"
    expression = "resource.name == 'projects/${var.project_id}/instances/${var.cluster_name}' && resource.service == 'sqladmin.googleapis.com'"
  }
}

# --- cert-manager: proves by a DNS record that the domain is ours.
resource "google_service_account" "cert_manager" {
  count = var.domain == "" ? 0 : 1

  account_id   = "${var.cluster_name}-certs"
  display_name = "Portcullis: cert-manager"

  depends_on = [google_project_service.this]
}

resource "google_service_account_iam_member" "cert_manager" {
  count = var.domain == "" ? 0 : 1

  service_account_id = google_service_account.cert_manager[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project_id}.svc.id.goog[cert-manager/cert-manager]"

  depends_on = [google_container_cluster.this]
}

resource "google_dns_managed_zone_iam_member" "cert_manager" {
  count = var.domain == "" ? 0 : 1

  managed_zone = local.zone
  role         = "roles/dns.admin"
  member       = google_service_account.cert_manager[0].member
}

# --- Cloud Build, where whoever deploys has no Docker: reads the sources that gcloud has put aside, pushes our images.
resource "google_service_account" "builds" {
  account_id   = "${var.cluster_name}-builds"
  display_name = "Portcullis: builds"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "builds_log" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.builds.member
}

resource "google_project_iam_member" "builds_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builds.member

  # Not Terraform's state, which is in another bucket of the project.
  condition {
    title      = "only-the-sources"
    expression = "resource.name.startsWith('projects/_/buckets/${var.project_id}_cloudbuild')"
  }
}

resource "google_artifact_registry_repository_iam_member" "builds" {
  location   = google_artifact_registry_repository.this.location
  repository = google_artifact_registry_repository.this.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builds.member
}

# --- GitHub's workflows push images by their own identity.
resource "google_service_account" "ci" {
  count = var.github_repository == "" ? 0 : 1

  account_id   = "${var.cluster_name}-ci"
  display_name = "Portcullis: workflows of ${var.github_repository}"

  depends_on = [google_project_service.this]
}

resource "google_iam_workload_identity_pool" "github" {
  count = var.github_repository == "" ? 0 : 1

  workload_identity_pool_id = "${var.cluster_name}-github"
  display_name              = "GitHub"

  depends_on = [google_project_service.this]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:The condition compares `repository` and `ref` whole, where `sub` changes with environments
  count = var.github_repository == "" ? 0 : 1

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
    "attribute.ref"        = "assertion.ref"
  }
  # Of every workflow on GitHub, these: a pull request's is not among them.
  attribute_condition = <<-CEL
    assertion.repository == "${var.github_repository}" &&
    (assertion.ref == "refs/heads/main" || assertion.ref.startsWith("refs/tags/v"))
  CEL

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "ci" {
  count = var.github_repository == "" ? 0 : 1

  service_account_id = google_service_account.ci[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.repository/${var.github_repository}"
}

resource "google_artifact_registry_repository_iam_member" "ci" {
  count = var.github_repository == "" ? 0 : 1

  location   = google_artifact_registry_repository.this.location
  repository = google_artifact_registry_repository.this.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.ci[0].member
}
