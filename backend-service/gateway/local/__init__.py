"""`./deploy.sh local`: the whole gateway on a machine that has nothing but Python."""
