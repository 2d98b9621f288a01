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
