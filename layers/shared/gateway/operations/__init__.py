"""Operations: each module is one endpoint kind that costs money, as the pipeline runs it."""
