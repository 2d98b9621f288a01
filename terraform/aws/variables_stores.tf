# --- Stores

variable "redis_node_type" {
  description = "Size of the shared store's nodes."
  type        = string
  default     = "cache.t4g.small"
  nullable    = false

  validation {
    condition     = startswith(var.redis_node_type, "cache.")
    error_message = "redis_node_type begins with cache."
  }
}

variable "redis_replicas" {
  description = "Replicas of the shared store in other zones. 0: it is gone while its node is replaced."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.redis_replicas >= 0 && var.redis_replicas <= 5
    error_message = "redis_replicas is 0 to 5."
  }
}

variable "sql_enabled" {
  description = "Whether there is a PostgreSQL (tenants, keys, receipts)."
  type        = bool
  default     = true
  nullable    = false
}

variable "sql_instance_class" {
  description = "Size of the database's machine."
  type        = string
  default     = "db.m7g.large"
  nullable    = false

  validation {
    condition     = startswith(var.sql_instance_class, "db.")
    error_message = "sql_instance_class begins with db."
  }
}

variable "sql_multi_az" {
  description = "Whether the database has a standby in another zone."
  type        = bool
  default     = true
  nullable    = false
}

# --- Rotation

variable "redis_token_rotation" {
  description = "Raise it by one to draw a new token for the shared store."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.redis_token_rotation >= 1 && floor(var.redis_token_rotation) == var.redis_token_rotation
    error_message = "redis_token_rotation is a whole number from 1 on."
  }
}
