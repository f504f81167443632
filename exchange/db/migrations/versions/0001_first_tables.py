"""The first tables: of the exchange and of its directory."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

#  one for each type of document: what its documents are found by
PARAMETER_TABLES = (
    "parameter_condition",
    "parameter_consent",
    "parameter_device",
    "parameter_documentreference",
    "parameter_goal",
    "parameter_group",
    "parameter_immunization",
    "parameter_observation",
    "parameter_organization",
    "parameter_patient",
    "parameter_practitioner",
    "parameter_practitionerrole",
    "parameter_procedure",
    "parameter_provenance",
    "parameter_questionnaire",
    "parameter_questionnaireresponse",
    "parameter_relatedperson",
    "parameter_servicerequest",
    "parameter_task",
)
TABLES = (
    "audit_block",
    "audit_event",
    "document",
    "document_version",
    "first_answer",
    "lease",
    "organization",
    "outbox_message",
    *PARAMETER_TABLES,
    "setting",
    "sign_in_failure",
    "visible_document",
    "write_order",
    "client",
    "organization_identifier",
    "referral",
    "release",
    "user_account",
    "webhook",
    "access_token",
    "answer_link",
    "invitation",
    "portal_session",
    "referral_event",
    "referral_identifier",
    "used_assertion",
    "directory_import_run",
    "directory_location",
    "directory_organization",
    "directory_service",
    "directory_service_at_location",
    "directory_service_place",
    "directory_source",
    "directory_staged",
)


def upgrade() -> None:
    op.create_table(
        "audit_block",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rows_hash", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column(
            "signature",
            sa.String(length=64),
            nullable=False,
            comment="keyed: a forger needs the key file, not only the database",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_block")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("action", sa.String(length=1), nullable=False, comment="C R U D E, as AuditEvent.action"),
        sa.Column("interaction", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=2), nullable=False, comment="0 done, 4 refused, 8 failed"),
        sa.Column("status", sa.Integer(), nullable=True, comment="what the door answered"),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=True),
        sa.Column("actor_id", sa.String(length=64), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=True),
        sa.Column("document_id", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("patient_id", sa.String(length=36), nullable=True),
        sa.Column(
            "author_id",
            sa.String(length=36),
            nullable=True,
            comment="the organisation that wrote the document: it may read this row",
        ),
        sa.Column("referral_id", sa.String(length=36), nullable=True),
        sa.Column("purpose", sa.String(length=300), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("query", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column("key_id", sa.String(length=20), nullable=True),
        sa.Column("block_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_author_id_at_id"), "audit_event", ["author_id", "at", "id"], unique=False)
    op.create_index(op.f("ix_audit_event_block_id"), "audit_event", ["block_id"], unique=False)
    op.create_index(op.f("ix_audit_event_document_id_at"), "audit_event", ["document_id", "at"], unique=False)
    op.create_index(
        op.f("ix_audit_event_organization_id_at_id"), "audit_event", ["organization_id", "at", "id"], unique=False
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last_updated", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("author_id", sa.String(length=36), nullable=False, comment="the organisation that wrote it"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="sealed JSON"),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_key_id"), "document", ["key_id"], unique=False)
    op.create_index(op.f("ix_document_type_id"), "document", ["type", "id"], unique=False)
    op.create_table(
        "document_version",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last_updated", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_document_version")),
        comment="versions before the current one",
    )
    op.create_index(op.f("ix_document_version_key_id"), "document_version", ["key_id"], unique=False)
    op.create_table(
        "first_answer",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("key_hash", sa.String(length=32), nullable=False),
        sa.Column("request_hash", sa.String(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(length=500), nullable=True),
        sa.Column("etag", sa.String(length=40), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "key_hash", name=op.f("pk_first_answer")),
    )
    op.create_index(op.f("ix_first_answer_expires_at"), "first_answer", ["expires_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("consent_rule", sa.String(length=10), nullable=False, comment="attested | required"),
        sa.Column("network_id", sa.String(length=36), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("closed_days", sa.JSON(), nullable=False, comment="ISO dates besides federal holidays"),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"], ["organization.id"], name=op.f("fk_organization_network_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_index(op.f("ix_organization_network_id"), "organization", ["network_id"], unique=False)
    op.create_table(
        "outbox_message",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False, comment="email | webhook"),
        sa.Column("destination", sa.String(length=2000), nullable=False, comment="an address, or a webhook's id"),
        sa.Column(
            "organization_id",
            sa.String(length=36),
            nullable=True,
            comment="who is told; the release is asked again for it",
        ),
        sa.Column("referral_id", sa.String(length=36), nullable=True),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False, comment="ids and codes only"),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "lease", sa.String(length=36), nullable=True, comment="fencing: only this lease may record the outcome"
        ),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_message_id")),
    )
    op.create_index(op.f("ix_outbox_message_lane_sequence"), "outbox_message", ["lane", "sequence"], unique=False)
    op.create_index(op.f("ix_outbox_message_referral_id"), "outbox_message", ["referral_id"], unique=False)
    op.create_index(op.f("ix_outbox_message_state_due_at"), "outbox_message", ["state", "due_at"], unique=False)
    for name in PARAMETER_TABLES:
        _create_parameter_table(name)
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject_hash", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index(op.f("ix_sign_in_failure_subject_hash_at"), "sign_in_failure", ["subject_hash", "at"], unique=False)
    op.create_table(
        "visible_document",
        sa.Column("viewer_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("last_updated", sa.BigInteger(), nullable=False),
        sa.Column("is_author", sa.Boolean(), nullable=False),
        sa.Column(
            "is_reduced",
            sa.Boolean(),
            nullable=False,
            comment="a Task without the person: before acceptance or after the end",
        ),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True, comment="the release ends by itself then"),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("owner", sa.String(length=110), nullable=True),
        sa.Column("requester", sa.String(length=110), nullable=True),
        sa.PrimaryKeyConstraint("viewer_id", "document_id", name=op.f("pk_visible_document")),
    )
    op.create_index(op.f("ix_visible_document_document_id"), "visible_document", ["document_id"], unique=False)
    op.create_index(
        op.f("ix_visible_document_viewer_id_type_last_updated_document_id"),
        "visible_document",
        ["viewer_id", "type", "last_updated", "document_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_visible_document_viewer_id_type_owner_last_updated_document_id"),
        "visible_document",
        ["viewer_id", "type", "owner", "last_updated", "document_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_visible_document_viewer_id_type_status_last_updated_document_id"),
        "visible_document",
        ["viewer_id", "type", "status", "last_updated", "document_id"],
        unique=False,
    )
    op.create_table(
        "write_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "stamp", sa.BigInteger(), nullable=False, comment="microseconds; last_updated of the newest committed write"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_order")),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="space-separated SMART v2 scopes"),
        sa.Column("jwks", sa.JSON(), nullable=True),
        sa.Column("jwks_url", sa.String(length=2000), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_client_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
    )
    op.create_index(op.f("ix_client_organization_id"), "client", ["organization_id"], unique=False)
    op.create_table(
        "organization_identifier",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("system", sa.String(length=300), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_organization_identifier_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization_identifier")),
    )
    op.create_index(
        op.f("ix_organization_identifier_organization_id"), "organization_identifier", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_organization_identifier_system_value"), "organization_identifier", ["system", "value"], unique=False
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("sender_id", sa.String(length=36), nullable=False),
        sa.Column(
            "receiver_id",
            sa.String(length=36),
            nullable=True,
            comment="member or listed: no foreign key to the directory",
        ),
        sa.Column("service_request_id", sa.String(length=36), nullable=False),
        sa.Column("patient_id", sa.String(length=36), nullable=False),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("stage", sa.String(40), nullable=True),
        sa.Column("reason_code", sa.String(length=40), nullable=True),
        sa.Column("reason_text", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column("key_id", sa.String(length=20), nullable=True),
        sa.Column("next_step", sa.String(40), nullable=True),
        sa.Column("clock", sa.String(40), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("previous_id", sa.String(length=36), nullable=True),
        sa.Column("network_id", sa.String(length=36), nullable=True, comment="whose routing queue, while open"),
        sa.Column("need", sa.String(length=60), nullable=True, comment="SDOHCC category code"),
        sa.Column("zip_code", sa.String(length=3), nullable=True, comment="the first three digits only"),
        sa.Column("language", sa.String(length=20), nullable=True),
        sa.Column("receiver_name", sa.String(length=300), nullable=True, comment="snapshot: the directory may change"),
        sa.Column("receiver_phone", sa.String(length=60), nullable=True),
        sa.Column("consent_id", sa.String(length=36), nullable=True),
        sa.Column("contact_prohibited", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False, comment="stamp of the last decision"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["document.id"], name=op.f("fk_referral_id_document")),
        sa.ForeignKeyConstraint(["network_id"], ["organization.id"], name=op.f("fk_referral_network_id_organization")),
        sa.ForeignKeyConstraint(["previous_id"], ["referral.id"], name=op.f("fk_referral_previous_id_referral")),
        sa.ForeignKeyConstraint(["sender_id"], ["organization.id"], name=op.f("fk_referral_sender_id_organization")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    op.create_index(op.f("ix_referral_due_at"), "referral", ["due_at"], unique=False)
    op.create_index(op.f("ix_referral_network_id_status"), "referral", ["network_id", "status"], unique=False)
    op.create_index(op.f("ix_referral_patient_id"), "referral", ["patient_id"], unique=False)
    op.create_index(
        op.f("ix_referral_receiver_id_status_changed_id"),
        "referral",
        ["receiver_id", "status", "changed", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_referral_remind_at"), "referral", ["remind_at"], unique=False)
    op.create_index(
        op.f("ix_referral_sender_id_status_changed_id"),
        "referral",
        ["sender_id", "status", "changed", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_referral_service_request_id"), "referral", ["service_request_id"], unique=False)
    op.create_table(
        "release",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("consent_id", sa.String(length=36), nullable=True),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_release_document_id_document")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index(
        op.f("ix_release_document_id_organization_id"), "release", ["document_id", "organization_id"], unique=False
    )
    op.create_index(op.f("ix_release_referral_id"), "release", ["referral_id"], unique=False)
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False, comment="lower case"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True, comment="argon2id"),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_user_account_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_index(op.f("ix_user_account_organization_id"), "user_account", ["organization_id"], unique=False)
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_webhook_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index(op.f("ix_webhook_organization_id"), "webhook", ["organization_id"], unique=False)
    op.create_table(
        "access_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="as granted, SMART v2"),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_access_token_client_id_client")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_access_token")),
    )
    op.create_index(op.f("ix_access_token_client_id"), "access_token", ["client_id"], unique=False)
    op.create_index(op.f("ix_access_token_expires_at"), "access_token", ["expires_at"], unique=False)
    op.create_table(
        "answer_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.Column("proved_until", sa.DateTime(timezone=True), nullable=True, comment="details may be shown until then"),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_answer_link_referral_id_referral")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_answer_link")),
    )
    op.create_index(op.f("ix_answer_link_referral_id"), "answer_link", ["referral_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_invitation_user_id_user_account")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_user_id"), "invitation", ["user_id"], unique=False)
    op.create_table(
        "portal_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_portal_session_user_id_user_account")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_portal_session")),
    )
    op.create_index(op.f("ix_portal_session_user_id"), "portal_session", ["user_id"], unique=False)
    op.create_table(
        "referral_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("side", sa.String(40), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=True),
        sa.Column(
            "actor_name",
            sa.String(length=200),
            nullable=False,
            comment="a worker, program or clock; never the person referred",
        ),
        sa.Column("source", sa.String(length=20), nullable=True, comment="phone, paper, link"),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("stage", sa.String(40), nullable=True),
        sa.Column("next_step", sa.String(40), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_referral_event_referral_id_referral")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_event")),
    )
    op.create_index(op.f("ix_referral_event_referral_id_id"), "referral_event", ["referral_id", "id"], unique=False)
    op.create_table(
        "referral_identifier",
        sa.Column("sender_id", sa.String(length=36), nullable=False),
        sa.Column("identifier_hash", sa.String(length=32), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referral.id"], name=op.f("fk_referral_identifier_referral_id_referral")
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["organization.id"], name=op.f("fk_referral_identifier_sender_id_organization")
        ),
        sa.PrimaryKeyConstraint("sender_id", "identifier_hash", name=op.f("pk_referral_identifier")),
    )
    op.create_index(op.f("ix_referral_identifier_referral_id"), "referral_identifier", ["referral_id"], unique=False)
    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("jti_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_used_assertion_client_id_client")),
        sa.PrimaryKeyConstraint("client_id", "jti_hash", name=op.f("pk_used_assertion")),
    )
    op.create_index(op.f("ix_used_assertion_expires_at"), "used_assertion", ["expires_at"], unique=False)
    op.create_table(
        "directory_import_run",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True, comment="the import report as JSON, problems cut at 1000"),
        sa.CheckConstraint("status IN ('staging', 'applied', 'refused')", name=op.f("ck_directory_import_run_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_import_run")),
    )
    op.create_index(op.f("ix_directory_import_run_source"), "directory_import_run", ["source"], unique=False)
    op.create_table(
        "directory_location",
        sa.Column("organization_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("state_province", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True, comment="degrees, WGS 84"),
        sa.Column("longitude", sa.Double(), nullable=True, comment="degrees, WGS 84"),
        sa.Column(
            "is_approximate",
            sa.Boolean(),
            nullable=False,
            comment="the coordinates are the centre of the ZIP, not the door",
        ),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column(
            "source_id", sa.String(length=200), nullable=False, comment="the record's id as its source writes it"
        ),
        sa.Column(
            "content_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the document's canonical JSON"
        ),
        sa.Column(
            "document",
            sa.JSON(),
            nullable=False,
            comment="the HSDS record with its children, as directory.records reads it",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_folded", sa.Text(), nullable=False, comment="lower case, without accents; starts the name search"
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_updated",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when an import last changed it; the paging key with id",
        ),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its source stopped listing it; never deleted",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_location")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_directory_location_source_source_id")),
    )
    op.create_index(
        op.f("ix_directory_location_last_updated_id"), "directory_location", ["last_updated", "id"], unique=False
    )
    op.create_index(op.f("ix_directory_location_name_folded"), "directory_location", ["name_folded"], unique=False)
    op.create_index(
        op.f("ix_directory_location_organization_id"), "directory_location", ["organization_id"], unique=False
    )
    op.create_table(
        "directory_organization",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column(
            "source_id", sa.String(length=200), nullable=False, comment="the record's id as its source writes it"
        ),
        sa.Column(
            "content_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the document's canonical JSON"
        ),
        sa.Column(
            "document",
            sa.JSON(),
            nullable=False,
            comment="the HSDS record with its children, as directory.records reads it",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_folded", sa.Text(), nullable=False, comment="lower case, without accents; starts the name search"
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_updated",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when an import last changed it; the paging key with id",
        ),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its source stopped listing it; never deleted",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_organization")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_directory_organization_source_source_id")),
    )
    op.create_index(
        op.f("ix_directory_organization_last_updated_id"),
        "directory_organization",
        ["last_updated", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_directory_organization_name_folded"), "directory_organization", ["name_folded"], unique=False
    )
    op.create_table(
        "directory_service",
        sa.Column("organization_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column(
            "source_id", sa.String(length=200), nullable=False, comment="the record's id as its source writes it"
        ),
        sa.Column(
            "content_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the document's canonical JSON"
        ),
        sa.Column(
            "document",
            sa.JSON(),
            nullable=False,
            comment="the HSDS record with its children, as directory.records reads it",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_folded", sa.Text(), nullable=False, comment="lower case, without accents; starts the name search"
        ),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "last_updated",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when an import last changed it; the paging key with id",
        ),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its source stopped listing it; never deleted",
        ),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'defunct', 'temporarily closed')",
            name=op.f("ck_directory_service_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_service")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_directory_service_source_source_id")),
    )
    op.create_index(
        op.f("ix_directory_service_last_updated_id"), "directory_service", ["last_updated", "id"], unique=False
    )
    op.create_index(op.f("ix_directory_service_name_folded"), "directory_service", ["name_folded"], unique=False)
    op.create_index(
        op.f("ix_directory_service_organization_id"), "directory_service", ["organization_id"], unique=False
    )
    op.create_table(
        "directory_service_at_location",
        sa.Column("service_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("location_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "location_id", name=op.f("pk_directory_service_at_location")),
    )
    op.create_index(
        op.f("ix_directory_service_at_location_location_id"),
        "directory_service_at_location",
        ["location_id"],
        unique=False,
    )
    op.create_table(
        "directory_service_place",
        sa.Column("term", sa.String(length=80), nullable=False),
        sa.Column("cell", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("service_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "place",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="counts the places of one service, from 0",
        ),
        sa.Column("location_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("is_approximate", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("term", "cell", "service_id", "place", name=op.f("pk_directory_service_place")),
    )
    op.create_index(
        op.f("ix_directory_service_place_service_id"), "directory_service_place", ["service_id"], unique=False
    )
    op.create_table(
        "directory_source",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("first_imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_directory_source")),
    )
    op.create_table(
        "directory_staged",
        sa.Column("run_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="organization, location or service"),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "kind", "id", name=op.f("pk_directory_staged")),
    )
    #  one row: the order of writes
    op.execute("INSERT INTO write_order (id, stamp) VALUES (1, 0)")


def _create_parameter_table(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("parameter", sa.String(length=40), nullable=False),
        sa.Column("system", sa.String(length=300), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for columns in (["document_id", "parameter"], ["parameter", "value", "document_id"], ["parameter", "low"]):
        op.create_index(op.f(f"ix_{name}_{'_'.join(columns)}"), name, columns, unique=False)


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
