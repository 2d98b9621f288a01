"""Tokens of identity providers: whose keys are asked for, how they are kept, and what makes a token good.

    token --> verifier --> provider --> fetch        one provider an issuer; verified tokens are remembered
                 |            |
              tokens         keys                    pure

Nothing of Kong is imported here. What must hold: a token is good only when an issuer of the configuration
has signed it with a public key that it publishes now, for an audience of ours, and it has not expired; no
wait is longer than WAIT_S; what an issuer sends is bounded in size and time.
"""
