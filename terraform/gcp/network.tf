# A network of our own: private nodes, one way in (Kong's address) and one way out (Cloud NAT).

resource "google_compute_network" "this" {
  name                            = var.cluster_name
  description                     = "Portcullis"
  auto_create_subnetworks         = false
  routing_mode                    = "REGIONAL"
  delete_default_routes_on_create = false

  depends_on = [google_project_service.this]
}

resource "google_compute_subnetwork" "nodes" {
  name                     = "${var.cluster_name}-nodes"
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.node_cidr
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.pod_cidr
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.service_cidr
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Where Memorystore's endpoints get their addresses from.
resource "google_compute_subnetwork" "endpoints" {
  name                     = "${var.cluster_name}-endpoints"
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.endpoint_cidr
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# --- The way in

# Kong's load balancer takes this address, so that it outlives the cluster.
resource "google_compute_address" "gateway" {
  name        = "${var.cluster_name}-gateway"
  description = "The gateway's public address"

  depends_on = [google_project_service.this]
}

# --- The way out

resource "google_compute_address" "nat" {
  count = var.nat_addresses

  name        = "${var.cluster_name}-nat-${count.index}"
  description = "Requests to providers leave from here"

  depends_on = [google_project_service.this]
}

resource "google_compute_router" "this" {
  name    = var.cluster_name
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                               = var.cluster_name
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = google_compute_address.nat[*].self_link
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  # Thousands of streams to the same few addresses: ports by need, or a busy node runs out of them.
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 256
  max_ports_per_vm                    = 16384
  # Longer than the longest pause in a stream of 600 s.
  tcp_established_idle_timeout_sec = 1200

  subnetwork {
    name                    = google_compute_subnetwork.nodes.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# --- Private addresses of Google's services

# Memorystore makes its endpoints in our network by this policy.
resource "google_network_connectivity_service_connection_policy" "memorystore" {
  name          = "${var.cluster_name}-memorystore"
  location      = var.region
  service_class = "gcp-memorystore"
  description   = "Endpoints of the shared store"
  network       = google_compute_network.this.id

  psc_config {
    subnetworks = [google_compute_subnetwork.endpoints.id]
  }

  depends_on = [google_project_service.this]
}

# Cloud SQL's addresses.
resource "google_compute_global_address" "services" {
  count = var.sql_enabled ? 1 : 0

  name          = "${var.cluster_name}-services"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  count = var.sql_enabled ? 1 : 0

  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]
  # Google refuses to take the peering down for days after a database is gone; it goes with the network.
  deletion_policy = "ABANDON"
}
