# What the cluster is in each mode. Nothing is asked of Google: the providers' schemas and validators are real, their
# answers are in mocks/.

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

run "autopilot_by_default" {
  assert {
    condition     = google_container_cluster.this.enable_autopilot
    error_message = "the default is Autopilot"
  }

  assert {
    condition     = length(google_container_node_pool.requests) + length(google_container_node_pool.spot) == 0
    error_message = "Autopilot has no pools of ours"
  }

  assert {
    condition     = google_container_cluster.this.cluster_autoscaling[0].auto_provisioning_defaults[0].service_account == google_service_account.nodes.email
    error_message = "Autopilot's nodes run as our account, not as the project's default one"
  }
}

run "standard_has_1_to_10_nodes" {
  variables {
    cluster_mode = "standard"
  }

  assert {
    condition     = google_container_cluster.this.enable_autopilot != true
    error_message = "Standard is not Autopilot"
  }

  assert {
    condition     = google_container_cluster.this.remove_default_node_pool && google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH"
    error_message = "no default pool, and Dataplane V2"
  }

  assert {
    condition = (
      google_container_node_pool.requests[0].autoscaling[0].total_min_node_count == 1 &&
      google_container_node_pool.requests[0].autoscaling[0].total_max_node_count == 10
    )
    error_message = "1 to 10 nodes over all zones"
  }

  assert {
    condition     = !google_container_node_pool.requests[0].node_config[0].spot && length(google_container_node_pool.requests[0].node_config[0].taint) == 0
    error_message = "requests never run on Spot"
  }

  assert {
    condition     = google_container_node_pool.requests[0].upgrade_settings[0].max_unavailable == 0
    error_message = "a node more before one goes"
  }
}

run "spot_is_tainted" {
  variables {
    cluster_mode = "standard"
  }

  assert {
    condition     = google_container_node_pool.spot[0].node_config[0].spot && google_container_node_pool.spot[0].autoscaling[0].total_min_node_count == 0
    error_message = "the Spot pool is Spot, and empty when it is not asked for"
  }

  assert {
    condition = [for taint in google_container_node_pool.spot[0].node_config[0].taint : "${taint.key}=${taint.value}:${taint.effect}"] == [
      "cloud.google.com/gke-spot=true:NO_SCHEDULE"
    ]
    error_message = "nothing is put on Spot that did not ask for it"
  }
}

run "spot_can_be_left_out" {
  variables {
    cluster_mode = "standard"
    spot_nodes   = { max = 0 }
  }

  assert {
    condition     = length(google_container_node_pool.spot) == 0
    error_message = "max 0 is no pool"
  }
}

run "nodes_are_private_in_both_modes" {
  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_nodes
    error_message = "nodes have no public address"
  }

  assert {
    condition     = length(google_container_cluster.this.master_authorized_networks_config[0].cidr_blocks) == 0 && !google_container_cluster.this.master_authorized_networks_config[0].gcp_public_cidrs_access_enabled
    error_message = "nobody reaches the control plane's public address"
  }

  assert {
    condition     = google_container_cluster.this.enable_fqdn_network_policy
    error_message = "host names can be named in policies"
  }
}

run "pools_are_private_and_shielded" {
  variables {
    cluster_mode = "standard"
  }

  assert {
    condition = alltrue([
      for pool in concat(google_container_node_pool.requests, google_container_node_pool.spot) : (
        pool.network_config[0].enable_private_nodes &&
        pool.node_config[0].shielded_instance_config[0].enable_secure_boot &&
        pool.node_config[0].workload_metadata_config[0].mode == "GKE_METADATA" &&
        pool.node_config[0].service_account == google_service_account.nodes.email &&
        pool.node_config[0].kubelet_config[0].insecure_kubelet_readonly_port_enabled == "FALSE"
      )
    ])
    error_message = "every pool is private, shielded, and gives pods only their own identity"
  }
}

run "binary_authorization_knows_our_registry" {
  variables {
    binary_authorization = true
  }

  assert {
    condition     = google_container_cluster.this.binary_authorization[0].evaluation_mode == "PROJECT_SINGLETON_POLICY_ENFORCE"
    error_message = "it is enforced"
  }

  assert {
    condition     = contains([for pattern in google_binary_authorization_policy.this[0].admission_whitelist_patterns : pattern.name_pattern], "us-central1-docker.pkg.dev/portcullis-test/portcullis/*")
    error_message = "our images may run"
  }
}

run "own_key_encrypts_what_is_stored" {
  variables {
    kms_key = "projects/portcullis-test/locations/us-central1/keyRings/ring/cryptoKeys/key"
  }

  assert {
    condition     = google_container_cluster.this.database_encryption[0].state == "ENCRYPTED" && google_memorystore_instance.this.kms_key == var.kms_key && google_sql_database_instance.this[0].encryption_key_name == var.kms_key
    error_message = "cluster, store and database take the key"
  }
}

run "nobody_is_locked_out" {
  command = plan

  variables {
    private_endpoint = true
    dns_endpoint     = false
  }

  expect_failures = [google_container_cluster.this]
}
