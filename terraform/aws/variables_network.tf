variable "vpc_cidr" {
  description = "Addresses of the network: a /16 to /20."
  type        = string
  default     = "10.60.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 1)) && can(regex("/(1[6-9]|20)$", var.vpc_cidr))
    error_message = "vpc_cidr is an IPv4 range of /16 to /20."
  }
}

variable "zones" {
  description = "How many availability zones."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones is 2 or 3."
  }
}

variable "nat_gateways" {
  description = "1: one for all zones, cheaper, and gone with its zone. 0: one a zone."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = contains([0, 1], var.nat_gateways)
    error_message = "nat_gateways is 0 (one a zone) or 1."
  }
}

variable "authorized_networks" {
  description = "Ranges that may reach the control plane's public address. Empty: only from within the network."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.authorized_networks : can(cidrhost(cidr, 0)) && cidr != "0.0.0.0/0"])
    error_message = "authorized_networks holds IPv4 ranges, and not the whole Internet."
  }
}
