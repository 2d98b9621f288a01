variable "enabled" {
  description = "Whether any of it is made."
  type        = bool
  default     = true
  nullable    = false
}

variable "namespace" {
  description = "The gateway's namespace. Its network policies are written for this one being its own."
  type        = string
  default     = "portcullis"
  nullable    = false
}

variable "create_namespace" {
  description = "Whether the namespace is made here."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels for everything, beside those that the manifests have."
  type        = map(string)
  default     = {}
  nullable    = false
}

# --- The backend

variable "image" {
  description = "The backend's image without its tag."
  type        = string
  default     = "portcullis-backend"
  nullable    = false
}

variable "image_tag" {
  description = "An exact version (0.1.0) or a digest (sha256:...). Never `latest`."
  type        = string
  default     = "0.1.0"
  nullable    = false

  validation {
    condition     = can(regex("^(sha256:[0-9a-f]{64}|[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag is an exact version or sha256: and 64 digits; `latest` is another image tomorrow."
  }
}

variable "replicas" {
  description = "How many backends. More than one needs redis_url: they are one gateway only by what they share."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.replicas >= 1 && var.replicas <= 100 && floor(var.replicas) == var.replicas
    error_message = "replicas is 1 to 100."
  }
}

variable "settings" {
  description = "More settings of the backend (.env.example lists them). Nothing secret: they stand in a ConfigMap."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length([for name in keys(var.settings) : name if can(regex("(_KEY|_SECRET|_TOKEN|PASSWORD)$", name))]) == 0
    error_message = "settings hold nothing secret: credentials go into provider_keys."
  }
}

variable "gateway_config" {
  description = "The text of gateway.yaml: models, providers, tenants. Null: the one of this checkout."
  type        = string
  default     = null

  validation {
    condition     = var.gateway_config == null || can(yamldecode(var.gateway_config).version)
    error_message = "gateway_config is YAML with a `version`."
  }
}

variable "service_account_annotations" {
  description = "The cloud's identity: iam.gke.io/gcp-service-account on GKE, eks.amazonaws.com/role-arn on EKS."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "backend_tls_secret" {
  description = "A Secret with tls.crt, tls.key and ca.crt (cert-manager makes such): the backend then serves TLS. Empty: plain HTTP behind the network policy."
  type        = string
  default     = ""
  nullable    = false
}

# --- Secrets. Ephemeral: they are in no plan and in no state. Raise secrets_revision when one changes.

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

# --- Volume

variable "storage_enabled" {
  description = "Whether the backend has a volume, at /var/lib/portcullis. It is for what is spooled locally; nothing is there yet."
  type        = bool
  default     = true
  nullable    = false
}

variable "storage_size" {
  description = "Size of the volume."
  type        = string
  default     = "10Gi"
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi|Ti)$", var.storage_size))
    error_message = "storage_size is a number and Mi, Gi or Ti."
  }
}

variable "storage_class" {
  description = "Class of the volume. Empty: the cluster's default."
  type        = string
  default     = ""
  nullable    = false
}

variable "storage_access_mode" {
  description = "ReadWriteOnce keeps all replicas on the volume's node; ReadWriteMany spreads them, where the class can do it."
  type        = string
  default     = "ReadWriteOnce"
  nullable    = false

  validation {
    condition     = contains(["ReadWriteOnce", "ReadWriteMany"], var.storage_access_mode)
    error_message = "storage_access_mode is ReadWriteOnce or ReadWriteMany."
  }
}

# --- The way in

variable "domain" {
  description = "Domain; gateway.DOMAIN, api.DOMAIN, console.DOMAIN and admin.DOMAIN derive from it. Empty: no ingress."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.domain == "" || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a domain name in lower case, or empty."
  }
}

variable "ingress_class" {
  description = "Class of the ingresses. `kong`: Kong is the cluster's ingress itself, and configs/kong has the gateway's routes."
  type        = string
  default     = "nginx"
  nullable    = false
}

variable "ingress_annotations" {
  description = "More annotations for every ingress; they win over ours. For classes other than nginx: body size, timeouts, no buffering."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "tls_enabled" {
  description = "Whether the ingresses serve TLS."
  type        = bool
  default     = true
  nullable    = false
}

variable "cluster_issuer" {
  description = "cert-manager's ClusterIssuer that makes their certificates. Empty: the Secrets NAME-tls are made by hand."
  type        = string
  default     = "letsencrypt"
  nullable    = false
}

variable "kong_namespace" {
  description = "Namespace of Kong: what only Kong may reach, only it reaches."
  type        = string
  default     = "kong"
  nullable    = false
}

variable "create_kong_namespace" {
  description = "Whether Kong's namespace is made here, so that its secret is there before Kong is."
  type        = bool
  default     = true
  nullable    = false
}

variable "kong_proxy_service" {
  description = "Kong's Service in its namespace: `RELEASE-kong-proxy` by its chart."
  type        = string
  default     = "kong-kong-proxy"
  nullable    = false
}

# --- The console (arrives with the product's console; off until then)

variable "console_enabled" {
  description = "Whether there are ingresses for the console (api, console, admin), behind oauth2-proxy. The console arrives in a later version: there is nothing behind them yet."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.console_enabled || (var.domain != "" && var.oauth2_proxy_host != "")
    error_message = "console_enabled needs domain and oauth2_proxy_host: it is never served without a sign-on."
  }
}

variable "console_service" {
  description = "Service and port in the namespace that serve the console."
  type        = object({ name = string, port = number })
  default     = { name = "portcullis-console", port = 8083 }
  nullable    = false
}

variable "oauth2_proxy_host" {
  description = "Host name that oauth2-proxy answers at, such as oauth2.example.com."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.oauth2_proxy_host == "" || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.oauth2_proxy_host))
    error_message = "oauth2_proxy_host is a host name without https://."
  }
}

variable "admin_emails" {
  description = "Who may open admin.DOMAIN: e-mail addresses with commas between. Empty: nobody, and there is no such ingress."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = alltrue([for email in split(",", var.admin_emails) : can(regex("^[^@,&?#%[:space:]]+@[^@,&?#%[:space:]]+\\.[^@,&?#%[:space:]]+$", trimspace(email))) || var.admin_emails == ""])
    error_message = "admin_emails holds e-mail addresses with commas between."
  }
}

variable "network_policies" {
  description = "Whether only Kong and Prometheus may talk to the backend. The way out is not limited here; configs/kubernetes/components has that."
  type        = bool
  default     = true
  nullable    = false
}
