"""Plan: find, compose, overlap policy; passes to a fixpoint."""
