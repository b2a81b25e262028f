"""Merchandising rules and templates: what a shop may say about its answers, and what that means for an assembly."""

from setwise.rules.book import ActiveRules, RuleBook
from setwise.rules.document import KINDS, Rule, RuleSet, Template, TemplateSlot, When
from setwise.rules.validation import Checked, RuleProblem, read_rules

__all__ = [
    "KINDS",
    "ActiveRules",
    "Checked",
    "Rule",
    "RuleBook",
    "RuleProblem",
    "RuleSet",
    "Template",
    "TemplateSlot",
    "When",
    "read_rules",
]
