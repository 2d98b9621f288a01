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

variable "external_secrets" {
  description = "Whether external-secrets in the cluster may read the secrets, which configs/argocd needs: it gets a service account of its own. deploy.sh needs none."
  type        = bool
  default     = false
  nullable    = false
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
