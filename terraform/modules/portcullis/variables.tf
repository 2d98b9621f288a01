variable "enabled" {
  description = "Whether any of it is made."
  type        = bool
  default     = true
  nullable    = false
}

variable "namespace" {
  description = "The gateway's namespace. Its network policies are written for this one being its own."
  type        = string
  default     = "portcullis"
  nullable    = false
}

variable "create_namespace" {
  description = "Whether the namespace is made here."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels for everything, beside those that the manifests have."
  type        = map(string)
  default     = {}
  nullable    = false
}

# --- The backend

variable "image" {
  description = "The backend's image without its tag."
  type        = string
  default     = "portcullis-backend"
  nullable    = false
}

variable "image_tag" {
  description = "An exact version (0.1.0) or a digest (sha256:...). Never `latest`."
  type        = string
  default     = "0.1.0"
  nullable    = false

  validation {
    condition     = can(regex("^(sha256:[0-9a-f]{64}|[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag is an exact version or sha256: and 64 digits; `latest` is another image tomorrow."
  }
}

variable "replicas" {
  description = "How many backends. More than one needs redis_url: they are one gateway only by what they share."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.replicas >= 1 && var.replicas <= 100 && floor(var.replicas) == var.replicas
    error_message = "replicas is 1 to 100."
  }
}

variable "wait_for_rollout" {
  description = "Whether an apply ends only once the new pods are ready. false: they wait for something that comes later, such as backend_tls_secret."
  type        = bool
  default     = true
  nullable    = false
}

variable "settings" {
  description = "More settings of the backend (.env.example lists them). Nothing secret: they stand in a ConfigMap."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length([for name in keys(var.settings) : name if can(regex("(_KEY|_SECRET|_TOKEN|PASSWORD)$", name))]) == 0
    error_message = "settings hold nothing secret: credentials go into provider_keys."
  }
}

variable "gateway_config" {
  description = "The text of gateway.yaml: models, providers, tenants. Null: the one of this checkout."
  type        = string
  default     = null

  validation {
    condition     = var.gateway_config == null || can(yamldecode(var.gateway_config).version)
    error_message = "gateway_config is YAML with a `version`."
  }
}

variable "service_account_annotations" {
  description = "The cloud's identity: iam.gke.io/gcp-service-account on GKE, eks.amazonaws.com/role-arn on EKS."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "backend_tls_secret" {
  description = "A Secret with tls.crt, tls.key and ca.crt (cert-manager makes such): the backend then serves TLS. Empty: plain HTTP behind the network policy."
  type        = string
  default     = ""
  nullable    = false
}

# --- Volume

variable "storage_enabled" {
  description = "Whether the backend has a volume, at /var/lib/portcullis. It is for what is spooled locally; nothing is there yet."
  type        = bool
  default     = true
  nullable    = false
}

variable "storage_size" {
  description = "Size of the volume."
  type        = string
  default     = "10Gi"
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi|Ti)$", var.storage_size))
    error_message = "storage_size is a number and Mi, Gi or Ti."
  }
}

variable "storage_class" {
  description = "Class of the volume. Empty: the cluster's default."
  type        = string
  default     = ""
  nullable    = false
}

variable "storage_access_mode" {
  description = "ReadWriteOnce keeps all replicas on the volume's node; ReadWriteMany spreads them, where the class can do it."
  type        = string
  default     = "ReadWriteOnce"
  nullable    = false

  validation {
    condition     = contains(["ReadWriteOnce", "ReadWriteMany"], var.storage_access_mode)
    error_message = "storage_access_mode is ReadWriteOnce or ReadWriteMany."
  }
}
