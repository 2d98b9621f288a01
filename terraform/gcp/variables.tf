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
    # A service account's name has 30 characters, of which -external-secrets takes 17.
    condition     = can(regex("^[a-z][a-z0-9-]{2,11}[a-z0-9]$", var.cluster_name))
    error_message = "cluster_name has 4 to 13 lower case letters, digits and hyphens, and begins with a letter."
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
