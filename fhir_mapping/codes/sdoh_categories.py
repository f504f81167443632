"""The needs a referral can be about. Source: SDOHCC 3.0.0, value set SDOHCC-ValueSetSDOHCategory."""

from typing import Final

SDOH_CATEGORIES: Final = {
    "food-insecurity": "Food Insecurity",
    "housing-instability": "Housing Instability",
    "homelessness": "Homelessness",
    "inadequate-housing": "Inadequate Housing",
    "transportation-insecurity": "Transportation Insecurity",
    "utility-insecurity": "Utility Insecurity",
    "financial-insecurity": "Financial Insecurity",
    "material-hardship": "Material Hardship",
    "employment-status": "Employment Status",
    "educational-attainment": "Educational Attainment",
    "health-insurance-coverage-status": "Health Insurance Coverage Status",
    "medical-cost-burden": "Medical Cost Burden",
    "personal-health-literacy": "Personal Health Literacy",
    "digital-literacy": "Digital Literacy",
    "digital-access": "Digital Access",
    "language-access": "Language Access",
    "social-connection": "Social Connection",
    "stress": "Stress",
    "intimate-partner-violence": "Intimate Partner Violence",
    "elder-abuse": "Elder Abuse",
    "veteran-status": "Veteran Status",
    "incarceration-status": "Incarceration Status",
    "protective-factor": "Protective Factor",
    "sdoh-category-unspecified": "SDOH Category Unspecified",
}
"""Code to display, in the order in which a form offers them."""
