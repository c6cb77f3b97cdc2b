-- The example CRM: an application that books appointments out of phone calls.
-- Every column but the key may be null, the tenant (company_id) too, as in the product that this one is modelled
-- on; no foreign keys, checks or triggers, so that a row may be as wrong as it likes.
-- A nullable tenant cannot be part of an identity by index: `source prepare` gives these tables REPLICA IDENTITY FULL.

CREATE TABLE IF NOT EXISTS calls (
    id                      bigserial PRIMARY KEY,
    company_id              bigint,
    retell_call_id          text,
    customer_id             bigint,
    direction               text,
    session_outcome         text,
    appointment_made        boolean,
    appointment_link_status text,
    booking_id              text,
    created_at              timestamptz DEFAULT now(),
    updated_at              timestamptz DEFAULT now()
);

CREATE TABLE IF NOT EXISTS appointments (
    id                       bigserial PRIMARY KEY,
    company_id               bigint,
    customer_id              bigint,
    service_id               bigint,
    staff_id                 bigint,
    call_id                  bigint,
    calcom_v2_booking_id     text,
    source                   text,
    status                   text,
    starts_at                timestamptz,
    ends_at                  timestamptz,
    idempotency_key          text,
    sync_origin              text,
    calcom_sync_status       text,
    last_sync_attempt_at     timestamptz,
    sync_attempt_count       integer DEFAULT 0,
    sync_error_message       text,
    sync_error_code          text,
    sync_verified_at         timestamptz,
    requires_manual_review   boolean DEFAULT false,
    manual_review_flagged_at timestamptz,
    created_at               timestamptz DEFAULT now(),
    updated_at               timestamptz DEFAULT now()
);

-- What Plumbline's reads by reference need, and a real application has.
CREATE INDEX IF NOT EXISTS appointments_booking ON appointments (calcom_v2_booking_id);
CREATE INDEX IF NOT EXISTS appointments_call ON appointments (call_id);
CREATE INDEX IF NOT EXISTS calls_booking ON calls (booking_id);
