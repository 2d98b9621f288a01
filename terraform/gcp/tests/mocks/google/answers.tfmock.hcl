# What Google would answer, as far as something here reads it.

mock_data "google_project" {
  defaults = {
    number          = "123456789012"
    billing_account = "000000-000000-000000"
  }
}

mock_resource "google_container_cluster" {
  defaults = {
    control_plane_endpoints_config = {
      dns_endpoint_config = { endpoint = "gke-0123456789.us-central1.gke.goog" }
    }
  }
}

mock_resource "google_compute_address" {
  defaults = {
    address   = "203.0.113.10"
    self_link = "https://www.googleapis.com/compute/v1/projects/portcullis-test/regions/us-central1/addresses/some"
  }
}

mock_resource "google_compute_global_address" {
  defaults = { address = "10.40.0.0" }
}

mock_resource "google_compute_network" {
  defaults = { id = "projects/portcullis-test/global/networks/portcullis" }
}

mock_resource "google_compute_subnetwork" {
  defaults = { id = "projects/portcullis-test/regions/us-central1/subnetworks/some" }
}

mock_resource "google_service_account" {
  defaults = {
    name   = "projects/portcullis-test/serviceAccounts/portcullis-some@portcullis-test.iam.gserviceaccount.com"
    email  = "portcullis-some@portcullis-test.iam.gserviceaccount.com"
    member = "serviceAccount:portcullis-some@portcullis-test.iam.gserviceaccount.com"
  }
}

mock_resource "google_secret_manager_secret" {
  defaults = { id = "projects/portcullis-test/secrets/some" }
}

mock_resource "google_iam_workload_identity_pool" {
  defaults = { name = "projects/123456789012/locations/global/workloadIdentityPools/portcullis-github" }
}

mock_resource "google_certificate_manager_dns_authorization" {
  defaults = {
    id                  = "projects/portcullis-test/locations/global/dnsAuthorizations/portcullis"
    dns_resource_record = [{ name = "_acme-challenge.ai.example.com.", type = "CNAME", data = "some.authorize.certificatemanager.goog." }]
  }
}
