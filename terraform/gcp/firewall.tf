# In: GKE makes the rules for its own health checks, kubelets and load balancers; all else is denied and logged.
# Out: the network itself, Google's control plane, and the ports of the providers. Which hosts, NetworkPolicy says.

resource "google_compute_firewall" "deny_in" {
  name        = "${var.cluster_name}-deny-in"
  description = "What no other rule lets in"
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 65000

  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "webhooks_in" {
  name        = "${var.cluster_name}-webhooks-in"
  description = "The control plane asks admission webhooks: Kong 8080, cert-manager 10250, the metrics adapter 6443"
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 1000

  source_ranges      = [var.master_cidr]
  destination_ranges = [var.node_cidr, var.pod_cidr]

  allow {
    protocol = "tcp"
    ports    = ["443", "6443", "8080", "10250"]
  }
}

resource "google_compute_firewall" "internal_out" {
  name        = "${var.cluster_name}-internal-out"
  description = "Nodes, pods and the private endpoints of the stores"
  network     = google_compute_network.this.id
  direction   = "EGRESS"
  priority    = 1000

  destination_ranges = concat(
    [var.node_cidr, var.pod_cidr, var.service_cidr, var.endpoint_cidr],
    [for range in google_compute_global_address.services : "${range.address}/${range.prefix_length}"],
  )

  allow {
    protocol = "all"
  }
}

resource "google_compute_firewall" "control_plane_out" {
  name        = "${var.cluster_name}-control-plane-out"
  description = "Kubelets and konnectivity agents ask the control plane"
  network     = google_compute_network.this.id
  direction   = "EGRESS"
  priority    = 1000

  destination_ranges = [var.master_cidr]

  allow {
    protocol = "tcp"
    ports    = ["443", "8132"]
  }
}

resource "google_compute_firewall" "providers_out" {
  name        = "${var.cluster_name}-providers-out"
  description = "Google's APIs, registries and the models' providers"
  network     = google_compute_network.this.id
  direction   = "EGRESS"
  priority    = 1100

  destination_ranges = ["0.0.0.0/0"]

  allow {
    protocol = "tcp"
    ports    = [for port in var.egress_ports : tostring(port)]
  }
}

resource "google_compute_firewall" "deny_out" {
  name        = "${var.cluster_name}-deny-out"
  description = "What no other rule lets out"
  network     = google_compute_network.this.id
  direction   = "EGRESS"
  priority    = 65000

  destination_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}
