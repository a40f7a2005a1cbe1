"""Floor 0: facts about models as dated, sourced data, and the counting of tokens. Read at first use, never at
import."""
