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
