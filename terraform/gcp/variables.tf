# What deploy.sh sets, then what can be changed by concern.

variable "project_id" {
  description = "The Google Cloud project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is a project's id (6 to 30 lower case letters, digits, hyphens), not its name or number."
  }
}

variable "region" {
  description = "The region of everything that has one. Secrets and logs stay in it too."
  type        = string
  default     = "us-central1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as us-central1, not a zone."
  }
}

variable "cluster_name" {
  description = "Name of the cluster, and the beginning of every other name."
  type        = string
  default     = "portcullis"
  nullable    = false

  validation {
    # Service accounts' names end after 30 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{2,14}[a-z0-9]$", var.cluster_name))
    error_message = "cluster_name has 4 to 16 lower case letters, digits and hyphens, and begins with a letter."
  }
}

variable "cluster_mode" {
  description = "autopilot: Google runs the nodes and bills by pod. standard: node pools of our own, 1 to 10 nodes."
  type        = string
  default     = "autopilot"
  nullable    = false

  validation {
    condition     = contains(["autopilot", "standard"], var.cluster_mode)
    error_message = "cluster_mode is autopilot or standard."
  }
}

variable "domain" {
  description = "Domain of the gateway, such as ai.example.com. Empty: no zone, no records, only an address."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain == "" || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a domain name in lower case without a dot at its end, or empty."
  }
}

variable "alert_email" {
  description = "Who is told of alarms and of the budget. Empty: nobody but the console."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.alert_email == "" || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alert_email))
    error_message = "alert_email is an e-mail address, or empty."
  }
}

variable "budget_usd" {
  description = "What the project may cost a month, in the billing account's currency, before the alarm. 0: no alarm."
  type        = number
  default     = 500
  nullable    = false

  validation {
    condition     = var.budget_usd >= 0 && floor(var.budget_usd) == var.budget_usd
    error_message = "budget_usd is a whole number of dollars, or 0 for none."
  }
}

variable "deletion_protection" {
  description = "Whether cluster, store, database, secrets and zone refuse to be destroyed."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels for everything that takes some, beside app and managed-by."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "kms_key" {
  description = "A Cloud KMS key in the region that encrypts images, secrets, database, store and Kubernetes' own secrets. Empty: Google's keys."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key == "" || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key is the full name of a key: projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }
}

# --- Network

variable "node_cidr" {
  description = "Addresses of the nodes."
  type        = string
  default     = "10.10.0.0/20"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.node_cidr, 1))
    error_message = "node_cidr is an IPv4 range such as 10.10.0.0/20."
  }
}

variable "pod_cidr" {
  description = "Addresses of the pods."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.pod_cidr, 1))
    error_message = "pod_cidr is an IPv4 range such as 10.20.0.0/16."
  }
}

variable "service_cidr" {
  description = "Addresses of Kubernetes' services."
  type        = string
  default     = "10.30.0.0/20"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.service_cidr, 1))
    error_message = "service_cidr is an IPv4 range such as 10.30.0.0/20."
  }
}

variable "endpoint_cidr" {
  description = "Addresses of the endpoints of Memorystore in the network."
  type        = string
  default     = "10.10.16.0/28"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.endpoint_cidr, 1))
    error_message = "endpoint_cidr is an IPv4 range such as 10.10.16.0/28."
  }
}

variable "master_cidr" {
  description = "Addresses of the control plane: a /28 that nothing else uses."
  type        = string
  default     = "172.16.0.0/28"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.master_cidr, 1)) && endswith(var.master_cidr, "/28")
    error_message = "master_cidr is an IPv4 range that ends with /28."
  }
}

variable "authorized_networks" {
  description = "Who may reach the control plane's public address: name to range. The DNS endpoint asks for IAM's permission instead and needs none."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for cidr in values(var.authorized_networks) : can(cidrhost(cidr, 0)) && cidr != "0.0.0.0/0"])
    error_message = "authorized_networks holds IPv4 ranges, and not the whole Internet."
  }
}

variable "private_endpoint" {
  description = "Whether the control plane has no public address at all. The DNS endpoint stays."
  type        = bool
  default     = false
  nullable    = false
}

variable "dns_endpoint" {
  description = "Whether the control plane can be reached by its DNS name from outside, by whoever IAM lets. deploy.sh uses it."
  type        = bool
  default     = true
  nullable    = false
}

variable "egress_ports" {
  description = "TCP ports that may be reached outside of the network. All else out is denied and logged."
  type        = list(number)
  default     = [443]
  nullable    = false

  validation {
    condition     = alltrue([for port in var.egress_ports : port >= 1 && port <= 65535])
    error_message = "egress_ports holds ports from 1 to 65535."
  }
}

variable "nat_addresses" {
  description = "How many fixed addresses requests leave from. A provider can be told to take requests from these only."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.nat_addresses >= 1 && var.nat_addresses <= 8
    error_message = "nat_addresses is 1 to 8."
  }
}

# --- Cluster

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
    "quay.io/jetstack/*",
    "quay.io/oauth2-proxy/*",
    "quay.io/prometheus/*",
    "docker.io/kong/*",
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

# --- Stores

variable "redis_node_type" {
  description = "Size of the shared store's nodes."
  type        = string
  default     = "STANDARD_SMALL"
  nullable    = false

  validation {
    condition     = contains(["SHARED_CORE_NANO", "STANDARD_SMALL", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE"], var.redis_node_type)
    error_message = "redis_node_type is SHARED_CORE_NANO, STANDARD_SMALL, HIGHMEM_MEDIUM or HIGHMEM_XLARGE."
  }
}

variable "redis_replicas" {
  description = "Replicas of the shared store in other zones. 0: it is gone while its node is replaced, and what it guards is refused."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.redis_replicas >= 0 && var.redis_replicas <= 2
    error_message = "redis_replicas is 0, 1 or 2."
  }
}

variable "sql_enabled" {
  description = "Whether there is a PostgreSQL (tenants, keys, receipts)."
  type        = bool
  default     = true
  nullable    = false
}

variable "sql_tier" {
  description = "Size of the database's machine."
  type        = string
  default     = "db-custom-2-7680"
  nullable    = false

  validation {
    condition     = can(regex("^db-custom-[0-9]+-[0-9]+$", var.sql_tier))
    error_message = "sql_tier is db-custom-CPUS-MEGABYTES."
  }
}

variable "sql_availability" {
  description = "REGIONAL: a standby in another zone. ZONAL: none."
  type        = string
  default     = "REGIONAL"
  nullable    = false

  validation {
    condition     = contains(["REGIONAL", "ZONAL"], var.sql_availability)
    error_message = "sql_availability is REGIONAL or ZONAL."
  }
}

# --- Who may do what

variable "namespace" {
  description = "Kubernetes namespace of the gateway."
  type        = string
  default     = "portcullis"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace is a name that Kubernetes takes."
  }
}

variable "tenants" {
  description = "Tenants that get a secret for their Kong credential: those of configs/gateway/gateway.yaml."
  type        = set(string)
  default     = ["clinic", "demo"]
  nullable    = false

  validation {
    condition     = alltrue([for tenant in var.tenants : can(regex("^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$", tenant))])
    error_message = "tenants holds names of lower case letters, digits and hyphens."
  }
}

variable "github_repository" {
  description = "OWNER/NAME whose workflows on its main branch and tags may push images, without a key. Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository is OWNER/NAME, or empty."
  }
}

# --- DNS

variable "dns_zone" {
  description = "Name of a Cloud DNS zone that is there already and holds `domain`. Empty: one is made for `domain`."
  type        = string
  default     = ""
  nullable    = false
}

variable "managed_certificate" {
  description = "Whether Google makes a certificate too, for a Google load balancer in front. Kong's own comes from cert-manager."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.managed_certificate || var.domain != ""
    error_message = "managed_certificate needs a domain."
  }
}

# --- Logs

variable "log_retention_days" {
  description = "How long the gateway's own logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.log_retention_days >= 1 && var.log_retention_days <= 3650
    error_message = "log_retention_days is 1 to 3650."
  }
}

variable "audit_retention_days" {
  description = "How long is kept who did what: administration, secrets read, models asked."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 1 && var.audit_retention_days <= 3650
    error_message = "audit_retention_days is 1 to 3650."
  }
}

variable "audit_lock" {
  description = "Whether the audit logs' bucket is locked: no one can shorten it, or delete it before its logs have expired. Cannot be undone."
  type        = bool
  default     = false
  nullable    = false
}
