variable "region" {
  description = "The region of everything. Bedrock's models are asked in it too."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is a region such as us-east-1, not an availability zone."
  }
}

variable "cluster_name" {
  description = "Name of the cluster, and the beginning of every other name."
  type        = string
  default     = "portcullis"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,22}[a-z0-9]$", var.cluster_name))
    error_message = "cluster_name has 4 to 24 lower case letters, digits and hyphens, and begins with a letter."
  }
}

variable "cluster_mode" {
  description = "auto: EKS Auto Mode, where AWS runs the nodes. standard: managed node groups, 1 to 10 nodes."
  type        = string
  default     = "auto"
  nullable    = false

  validation {
    condition     = contains(["auto", "standard"], var.cluster_mode)
    error_message = "cluster_mode is auto or standard."
  }
}

variable "kubernetes_version" {
  description = "Kubernetes' minor version."
  type        = string
  default     = "1.34"
  nullable    = false

  validation {
    condition     = can(regex("^1\\.(3[2-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "kubernetes_version is 1.32 or later, without a patch number."
  }
}

variable "domain" {
  description = "Domain of the gateway, such as ai.example.com. Empty: no zone and no certificate."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain == "" || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a domain name in lower case without a dot at its end, or empty."
  }
}

variable "gateway_hostname" {
  description = "Name of the load balancer of Kong's Service, once it is there: the domain's names then lead to it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.gateway_hostname == "" || (var.domain != "" && endswith(var.gateway_hostname, ".amazonaws.com"))
    error_message = "gateway_hostname is a load balancer's name (….elb.REGION.amazonaws.com), and needs a domain."
  }
}

variable "alert_email" {
  description = "Who is told of the budget and of alarms. Empty: nobody."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.alert_email == "" || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alert_email))
    error_message = "alert_email is an e-mail address, or empty."
  }
}

variable "budget_usd" {
  description = "What the account may cost a month before the alarm. 0: no alarm."
  type        = number
  default     = 500
  nullable    = false

  validation {
    condition     = var.budget_usd >= 0 && floor(var.budget_usd) == var.budget_usd
    error_message = "budget_usd is a whole number of dollars, or 0 for none."
  }
}

variable "deletion_protection" {
  description = "Whether database and secrets refuse to be destroyed, and the store leaves a snapshot."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags for everything, beside app and managed-by."
  type        = map(string)
  default     = {}
  nullable    = false
}
