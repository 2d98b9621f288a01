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
