# One cluster, in one of two modes. What only one of them knows is null, or an empty block, in the other.

resource "google_container_cluster" "this" {
  #checkov:skip=CKV_GCP_12:Dataplane V2 enforces NetworkPolicy; the old switch is Calico's
  #checkov:skip=CKV_GCP_66:It is a variable: which images may run is for who runs the cluster to say
  name                = var.cluster_name
  location            = var.region
  description         = "Portcullis"
  deletion_protection = var.deletion_protection
  resource_labels     = local.labels

  enable_autopilot         = local.autopilot ? true : null
  remove_default_node_pool = local.autopilot ? null : true
  initial_node_count       = local.autopilot ? null : 1
  enable_shielded_nodes    = local.autopilot ? null : true

  # --- Network: nodes have no public address, and policies are enforced where packets are, host names too.
  network                     = google_compute_network.this.id
  subnetwork                  = google_compute_subnetwork.nodes.id
  networking_mode             = "VPC_NATIVE"
  datapath_provider           = local.autopilot ? null : "ADVANCED_DATAPATH"
  enable_fqdn_network_policy  = true
  enable_intranode_visibility = local.autopilot ? null : true

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = var.private_endpoint
    master_ipv4_cidr_block  = var.master_cidr
  }

  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false

    dynamic "cidr_blocks" {
      for_each = var.authorized_networks

      content {
        display_name = cidr_blocks.key
        cidr_block   = cidr_blocks.value
      }
    }
  }

  # IAM decides who gets through it (container.clusters.connect); there is no list of addresses to keep.
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = var.dns_endpoint
    }
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  dynamic "dns_config" {
    for_each = local.autopilot ? [] : [1]

    content {
      cluster_dns       = "CLOUD_DNS"
      cluster_dns_scope = "CLUSTER_SCOPE"
    }
  }

  # --- Who runs what
  workload_identity_config {
    workload_pool = "${var.project_id}.svc.id.goog"
  }

  dynamic "authenticator_groups_config" {
    for_each = var.security_group == "" ? [] : [var.security_group]

    content {
      security_group = authenticator_groups_config.value
    }
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  rbac_binding_config {
    enable_insecure_binding_system_unauthenticated = false
    enable_insecure_binding_system_authenticated   = false
  }

  binary_authorization {
    evaluation_mode = var.binary_authorization ? "PROJECT_SINGLETON_POLICY_ENFORCE" : "DISABLED"
  }

  security_posture_config {
    mode = "BASIC"
  }

  dynamic "database_encryption" {
    for_each = local.kms_keys

    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
  }

  # --- Nodes that Autopilot makes
  dynamic "cluster_autoscaling" {
    for_each = local.autopilot ? [1] : []

    content {
      auto_provisioning_defaults {
        service_account = google_service_account.nodes.email
        oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
      }
    }
  }

  dynamic "node_pool_auto_config" {
    for_each = local.autopilot ? [1] : []

    content {
      node_kubelet_config {
        insecure_kubelet_readonly_port_enabled = "FALSE"
      }
    }
  }

  dynamic "node_pool_defaults" {
    for_each = local.autopilot ? [] : [1]

    content {
      node_config_defaults {
        insecure_kubelet_readonly_port_enabled = "FALSE"
      }
    }
  }

  # The first node of a Standard cluster lives for minutes only; it is as the others are.
  dynamic "node_config" {
    for_each = local.autopilot ? [] : [1]

    content {
      service_account = google_service_account.nodes.email
      oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
      metadata        = { disable-legacy-endpoints = "true" }

      workload_metadata_config {
        mode = "GKE_METADATA"
      }

      shielded_instance_config {
        enable_secure_boot          = true
        enable_integrity_monitoring = true
      }
    }
  }

  # --- Upgrades
  release_channel {
    channel = var.release_channel
  }

  maintenance_policy {
    recurring_window {
      start_time = var.maintenance_window.start
      end_time   = var.maintenance_window.end
      recurrence = var.maintenance_window.recurrence
    }
  }

  # --- Watching
  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS", "POD", "DEPLOYMENT", "STATEFULSET", "STORAGE", "HPA"]

    managed_prometheus {
      enabled = true
    }
  }

  cost_management_config {
    enabled = true
  }

  vertical_pod_autoscaling {
    enabled = true
  }

  lifecycle {
    # The pools are resources of their own; the first node's settings are the provider's to forget.
    ignore_changes = [node_config, initial_node_count]

    precondition {
      condition     = !var.private_endpoint || var.dns_endpoint || length(var.authorized_networks) > 0
      error_message = "Nobody outside of the network could reach the control plane: set dns_endpoint, or authorized_networks."
    }
  }

  depends_on = [
    google_project_iam_member.nodes,
    google_compute_router_nat.this,
  ]
}
