# Ephemeral: they are in no plan and in no state. Raise secrets_revision when one changes.

variable "auth_secret" {
  description = "What Kong signs its verdict on a request with, and the backend believes: 32 characters or more, drawn at random."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(var.auth_secret) >= 32
    error_message = "auth_secret has 32 characters or more; `openssl rand -base64 48` draws one."
  }
}

variable "previous_auth_secret" {
  description = "While auth_secret is rotated: the one before it, still believed. Empty: none."
  type        = string
  default     = ""
  sensitive   = true
  ephemeral   = true
  nullable    = false
}

variable "provider_keys" {
  description = "Credentials of the providers by their names: OPENAI_API_KEY and so on."
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true
  nullable    = false
}

variable "redis_url" {
  description = "The shared store: rediss://:PASSWORD@HOST:6379/0. Empty: none, which is enough for one replica."
  type        = string
  default     = ""
  sensitive   = true
  ephemeral   = true
  nullable    = false

  validation {
    condition     = var.redis_url == "" || can(regex("^rediss?://", var.redis_url))
    error_message = "redis_url begins with rediss:// (TLS) or redis://."
  }

  validation {
    condition     = var.replicas == 1 || var.redis_url != ""
    error_message = "more than one replica needs redis_url."
  }
}

variable "redis_ca" {
  description = "Certificates (PEM) that the store's own is checked against, where no public authority signed it. Empty: none."
  type        = string
  default     = ""
  nullable    = false
}

variable "secrets_revision" {
  description = "Raise it by one whenever a secret above changes: it is what makes Terraform write them again."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.secrets_revision >= 1 && floor(var.secrets_revision) == var.secrets_revision
    error_message = "secrets_revision is a whole number from 1 on."
  }
}
