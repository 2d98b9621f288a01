# Values that are refused before anything is made.

mock_provider "google" {
  source = "./tests/mocks/google"
}

mock_provider "google" {
  alias  = "budget"
  source = "./tests/mocks/google"
}

mock_provider "google-beta" {
  source = "./tests/mocks/google-beta"
}

variables {
  project_id = "portcullis-test"
}

run "values_of_each_variable" {
  command = plan

  variables {
    project_id           = "My Project"
    region               = "us-central1-a"
    cluster_name         = "a-name-that-is-much-too-long"
    cluster_mode         = "serverless"
    domain               = "https://ai.example.com"
    alert_email          = "ops"
    budget_usd           = -1
    kms_key              = "key"
    node_cidr            = "10.10.0.0"
    pod_cidr             = "pods"
    service_cidr         = "services"
    endpoint_cidr        = "endpoints"
    master_cidr          = "172.16.0.0/24"
    authorized_networks  = { everybody = "0.0.0.0/0" }
    egress_ports         = [0]
    nat_addresses        = 0
    release_channel      = "NIGHTLY"
    maintenance_window   = { start = "2026-01-03T08:00:00Z", end = "2026-01-03T02:00:00Z", recurrence = "FREQ=DAILY" }
    nodes                = { min = 0 }
    spot_nodes           = { max = -1 }
    security_group       = "everybody@example.com"
    redis_node_type      = "HUGE"
    redis_replicas       = 9
    sql_tier             = "db-f1-micro"
    sql_availability     = "SOMETIMES"
    namespace            = "Portcullis"
    tenants              = ["Not A Name"]
    github_repository    = "portcullis"
    log_retention_days   = 0
    audit_retention_days = 9999
  }

  expect_failures = [
    var.project_id,
    var.region,
    var.cluster_name,
    var.cluster_mode,
    var.domain,
    var.alert_email,
    var.budget_usd,
    var.kms_key,
    var.node_cidr,
    var.pod_cidr,
    var.service_cidr,
    var.endpoint_cidr,
    var.master_cidr,
    var.authorized_networks,
    var.egress_ports,
    var.nat_addresses,
    var.release_channel,
    var.maintenance_window,
    var.nodes,
    var.spot_nodes,
    var.security_group,
    var.redis_node_type,
    var.redis_replicas,
    var.sql_tier,
    var.sql_availability,
    var.namespace,
    var.tenants,
    var.github_repository,
    var.log_retention_days,
    var.audit_retention_days,
  ]
}

run "fewer_nodes_at_most_than_at_least" {
  command = plan

  variables {
    nodes = { min = 5, max = 3 }
  }

  expect_failures = [var.nodes]
}

run "a_certificate_for_no_domain" {
  command = plan

  variables {
    managed_certificate = true
  }

  expect_failures = [var.managed_certificate]
}
