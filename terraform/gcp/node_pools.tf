# Standard mode only. Two pools: one that requests run on, one that Google may take back at any time.

locals {
  node_scopes = ["https://www.googleapis.com/auth/cloud-platform"]
}

resource "google_container_node_pool" "requests" {
  count = local.autopilot ? 0 : 1

  name     = "requests"
  cluster  = google_container_cluster.this.id
  location = var.region

  # Counted over all zones, not for each.
  initial_node_count = 1
  autoscaling {
    total_min_node_count = var.nodes.min
    total_max_node_count = var.nodes.max
    location_policy      = "BALANCED"
  }

  network_config {
    enable_private_nodes = true
  }

  node_config {
    machine_type      = var.nodes.machine_type
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = var.nodes.disk_gb
    spot              = false
    service_account   = google_service_account.nodes.email
    oauth_scopes      = local.node_scopes
    labels            = { "portcullis.dev/pool" = "requests" }
    metadata          = { disable-legacy-endpoints = "true" }
    boot_disk_kms_key = one(local.kms_keys)

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }

    gcfs_config {
      enabled = true
    }
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  # A node more before one goes: streams of 600 s end by themselves.
  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = 1
    max_unavailable = 0
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

resource "google_container_node_pool" "spot" {
  count = !local.autopilot && var.spot_nodes.max > 0 ? 1 : 0

  name     = "spot"
  cluster  = google_container_cluster.this.id
  location = var.region

  initial_node_count = 0
  autoscaling {
    total_min_node_count = 0
    total_max_node_count = var.spot_nodes.max
    location_policy      = "ANY"
  }

  network_config {
    enable_private_nodes = true
  }

  node_config {
    machine_type      = var.spot_nodes.machine_type
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = var.spot_nodes.disk_gb
    spot              = true
    service_account   = google_service_account.nodes.email
    oauth_scopes      = local.node_scopes
    labels            = { "portcullis.dev/pool" = "spot" }
    metadata          = { disable-legacy-endpoints = "true" }
    boot_disk_kms_key = one(local.kms_keys)

    # Nothing gets here but what says that it may be interrupted. Kong and the backend do not.
    taint {
      key    = "cloud.google.com/gke-spot"
      value  = "true"
      effect = "NO_SCHEDULE"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
