"""Operations of an account's owner on keys, balance and statements; built on the ports, used by the HTTP apps."""
