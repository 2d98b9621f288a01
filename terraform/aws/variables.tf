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

# --- Network

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

# --- Nodes

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

variable "bedrock_models" {
  description = "Foundation models that the backend may ask, by Bedrock's ids: those of configs/gateway/gateway.yaml."
  type        = set(string)
  default     = ["anthropic.claude-3-5-sonnet-20241022-v2:0"]
  nullable    = false

  validation {
    condition     = alltrue([for model in var.bedrock_models : can(regex("^[a-z0-9-]+\\.[A-Za-z0-9.:*_-]+$", model))])
    error_message = "bedrock_models holds ids such as anthropic.claude-3-5-sonnet-20241022-v2:0, or a part and *; never * alone."
  }
}

variable "bedrock_inference_profiles" {
  description = "Inference profiles that the backend may ask (us.anthropic…). Their models in every region of the profile have to be in bedrock_models too."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for profile in var.bedrock_inference_profiles : can(regex("^[a-z]+\\.[a-z0-9-]+\\.[A-Za-z0-9.:*_-]+$", profile))])
    error_message = "bedrock_inference_profiles holds ids such as us.anthropic.claude-sonnet-4-5-20250929-v1:0."
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

variable "github_repository" {
  description = "OWNER/NAME whose workflows on its main branch and version tags may push images, without a key. Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository is OWNER/NAME, or empty."
  }
}

# --- Logs

variable "log_retention_days" {
  description = "How long logs of the control plane, the network and the stores are kept: one of the numbers that CloudWatch knows."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096 and so on."
  }
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
