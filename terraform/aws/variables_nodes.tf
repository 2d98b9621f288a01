variable "admin_principals" {
  description = "ARNs of the roles or users that administer the cluster. Empty: whoever makes it."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.admin_principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/", arn))])
    error_message = "admin_principals holds ARNs of roles or users."
  }
}

variable "nodes" {
  description = "Standard only: the nodes that requests run on. Never Spot."
  type = object({
    instance_types = optional(list(string), ["m7i.xlarge"])
    min            = optional(number, 1)
    max            = optional(number, 10)
    disk_gb        = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.nodes.min >= 1 && var.nodes.min <= var.nodes.max && var.nodes.max <= 100
    error_message = "nodes: 1 <= min <= max <= 100."
  }
}

variable "spot_nodes" {
  description = "Standard only: tainted Spot nodes for what may be interrupted. max 0: none."
  type = object({
    instance_types = optional(list(string), ["m7i.xlarge", "m6i.xlarge", "m5.xlarge"])
    max            = optional(number, 3)
    disk_gb        = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.spot_nodes.max >= 0 && var.spot_nodes.max <= 100
    error_message = "spot_nodes: max is 0 to 100."
  }
}
