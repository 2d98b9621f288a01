mock_resource "google_memorystore_instance" {
  defaults = {
    name = "projects/portcullis-test/locations/us-central1/instances/portcullis"
    endpoints = [{
      connections = [
        { psc_auto_connection = [{ connection_type = "CONNECTION_TYPE_READER", ip_address = "10.10.16.4", port = 6379 }] },
        { psc_auto_connection = [{ connection_type = "CONNECTION_TYPE_PRIMARY", ip_address = "10.10.16.3", port = 6379 }] },
      ]
    }]
    managed_server_ca = [{ ca_certs = [{ certificates = ["first certificate", "second certificate"] }] }]
  }
}
