variable "release_channel" {
  description = "How soon Kubernetes is upgraded."
  type        = string
  default     = "REGULAR"
  nullable    = false

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "release_channel is RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "maintenance_window" {
  description = "When Google may upgrade the cluster: the first window's start and end (RFC 3339), and how it recurs (RFC 5545)."
  type        = object({ start = string, end = string, recurrence = string })
  default = {
    start      = "2026-01-03T02:00:00Z"
    end        = "2026-01-03T08:00:00Z"
    recurrence = "FREQ=WEEKLY;BYDAY=SA,SU"
  }
  nullable = false

  validation {
    condition     = can(timecmp(var.maintenance_window.start, var.maintenance_window.end)) && try(timecmp(var.maintenance_window.start, var.maintenance_window.end), 0) < 0
    error_message = "maintenance_window begins before it ends, both like 2026-01-03T02:00:00Z."
  }
}

variable "nodes" {
  description = "Standard only: the pool that requests run on. Never Spot."
  type = object({
    machine_type = optional(string, "e2-standard-4")
    min          = optional(number, 1)
    max          = optional(number, 10)
    disk_gb      = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.nodes.min >= 1 && var.nodes.min <= var.nodes.max && var.nodes.max <= 100
    error_message = "nodes: 1 <= min <= max <= 100."
  }
}

variable "spot_nodes" {
  description = "Standard only: the tainted Spot pool for what may be interrupted (load tests, batch, embedding backfill). max 0: no such pool."
  type = object({
    machine_type = optional(string, "e2-standard-4")
    max          = optional(number, 3)
    disk_gb      = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.spot_nodes.max >= 0 && var.spot_nodes.max <= 100
    error_message = "spot_nodes: max is 0 to 100."
  }
}

variable "binary_authorization" {
  description = "Whether only images of our registry, and of binary_authorization_images, may run."
  type        = bool
  default     = false
  nullable    = false
}

variable "binary_authorization_images" {
  description = "With binary_authorization: patterns of images beside our registry's that may run."
  type        = list(string)
  default = [
    "docker.io/grafana/*",
    "docker.io/kong/*",
    "docker.io/ubuntu/squid*",
    "ghcr.io/jkroepke/kube-webhook-certgen*",
    "quay.io/jetstack/*",
    "quay.io/kiwigrid/k8s-sidecar*",
    "quay.io/oauth2-proxy/*",
    "quay.io/prometheus/*",
    "quay.io/prometheus-operator/*",
    "registry.k8s.io/kube-state-metrics/*",
    "registry.k8s.io/prometheus-adapter/*",
  ]
  nullable = false
}

variable "security_group" {
  description = "Google group whose groups Kubernetes' RBAC may name: gke-security-groups@DOMAIN. Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.security_group == "" || startswith(var.security_group, "gke-security-groups@")
    error_message = "security_group is gke-security-groups@ and a domain: Google takes no other name."
  }
}
