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

variable "external_secrets" {
  description = "Whether external-secrets in the cluster may read the secrets, which configs/argocd needs: it gets a role of its own. deploy.sh needs none."
  type        = bool
  default     = false
  nullable    = false
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
