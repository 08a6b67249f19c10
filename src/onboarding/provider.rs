//! Who keeps a passkey, told by the AAGUID of what made it (WebAuthn Level 3, section 6.5.1).
//!
//! Which id is whose: the community's list of passkey providers (passkeydeveloper/passkey-authenticator-aaguids), and
//! for security keys the FIDO Metadata Service. An id is never proof: whoever makes a passkey chooses what it says.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

/// Where a passkey is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Provider {
    /// As people know it; not to be translated.
    #[schema(value_type = String)]
    pub name: &'static str,
    #[serde(rename = "kind")]
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A password manager that keeps it on all of a person's devices.
    Cloud,
    /// One device, and lost with it.
    Device,
    /// A thing to plug in or hold near.
    SecurityKey,
    /// A browser's own store on one device.
    Browser,
}

/// `None` where the id is nobody's we know, or the id of those that do not say: all zeros.
pub fn provider(aaguid: Uuid) -> Option<Provider> {
    let found = PROVIDERS.iter().find(|(.., ids)| ids.contains(&aaguid));
    found.map(|(name, place, _)| Provider { name, place: *place })
}

const PROVIDERS: &[(&str, Place, &[Uuid])] = &[
    (
        "iCloud Keychain",
        Place::Cloud,
        &[uuid!("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"), uuid!("dd4ec289-e01d-41c9-bb89-70fa845d4bf2")],
    ),
    ("Google Password Manager", Place::Cloud, &[uuid!("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4")]),
    ("Microsoft Password Manager", Place::Cloud, &[uuid!("d3452668-01fd-4c12-926c-83a4204853aa")]),
    ("Samsung Pass", Place::Cloud, &[uuid!("53414d53-554e-4700-0000-000000000000")]),
    ("1Password", Place::Cloud, &[uuid!("bada5566-a7aa-401f-bd96-45619a55120d")]),
    ("Bitwarden", Place::Cloud, &[uuid!("d548826e-79b4-db40-a3d8-11116f7e8349")]),
    ("Dashlane", Place::Cloud, &[uuid!("531126d6-e717-415c-9320-3d9aa6981239")]),
    ("Enpass", Place::Cloud, &[uuid!("f3809540-7f14-49c1-a8b3-8f813b225541")]),
    ("Keeper", Place::Cloud, &[uuid!("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6")]),
    ("LastPass", Place::Cloud, &[uuid!("b78a0a55-6ef8-d246-a042-ba0f6d55050c")]),
    ("NordPass", Place::Cloud, &[uuid!("b84e4048-15dc-4dd0-8640-f4f60813c8af")]),
    ("Proton Pass", Place::Cloud, &[uuid!("50726f74-6f6e-5061-7373-50726f746f6e")]),
    ("Zoho Vault", Place::Cloud, &[uuid!("b35a26b2-8f6e-4697-ab1d-d44db4da28c6")]),
    (
        "Windows Hello",
        Place::Device,
        &[
            uuid!("08987058-cadc-4b81-b6e1-30de50dcbe96"),
            uuid!("9ddd1817-af5a-4672-a2b9-3e3dd95000a9"),
            uuid!("6028b017-b1d4-4c02-b4b3-afcdafc96bb2"),
        ],
    ),
    ("KeePassXC", Place::Device, &[uuid!("fdb141b2-5d84-443e-8a35-4698c205a502")]),
    ("Chrome on Mac", Place::Browser, &[uuid!("adce0002-35bc-c60a-648b-0b25f1f05503")]),
    ("Edge on Mac", Place::Browser, &[uuid!("771b48fd-d3d4-4f74-9232-fc157ab0507a")]),
    ("Chromium", Place::Browser, &[uuid!("b5397666-4885-aa6b-cebf-e52262a439a2")]),
    (
        "YubiKey 5",
        Place::SecurityKey,
        &[
            uuid!("3aa78eb1-ddd8-46a8-a821-8f8ec57a7bd5"),
            uuid!("eb7ef748-cbe0-4b40-b8f6-07bd2d592d35"),
            uuid!("3ec9c8d3-a5a7-415b-a7b5-f1d606368d3f"),
            uuid!("4fc84f16-2545-4e53-b8fc-7bf4d7282a10"),
            uuid!("19083c3d-8383-4b18-bc03-8f1c9ab2fd1b"),
            uuid!("cb69481e-8ff7-4039-93ec-0a2729a154a8"),
            uuid!("ee882879-721c-4913-9775-3dfcce97072a"),
            uuid!("ff4dac45-ede8-4ec2-aced-cf66103f4335"),
            uuid!("0a357157-9b18-4c8a-920e-d156e972b2f8"),
            uuid!("4599062e-6926-4fe7-9566-9e8fb1aedaa0"),
            uuid!("524de2de-982f-49b4-a769-2b5e3b73ad79"),
            uuid!("20ac7a17-c814-4833-93fe-539f0d5e3389"),
            uuid!("c5ef55ff-ad9a-4b9f-b580-adebafe026d0"),
            uuid!("a02167b9-ae71-4ac7-9a07-06432ebb6f1c"),
            uuid!("24673149-6c86-42e7-98d9-433fb5b73296"),
            uuid!("03012cb7-4fb2-42e7-9e8d-a81f10e2a5e9"),
            uuid!("b90e7dc1-316e-4fee-a25a-56a666a670fe"),
            uuid!("3b24bf49-1d45-4484-a917-13175df0867b"),
            uuid!("c3479970-e58a-4f70-836f-853bf42fb063"),
            uuid!("fa2b99dc-9e39-4257-8f92-4a30d23c4118"),
            uuid!("2fc0579f-8113-47ea-b116-bb5a8db9202a"),
            uuid!("d7781e5d-e353-46aa-afe2-3ca49f13332a"),
            uuid!("a25342c0-3cdc-4414-8e46-f4807fca511c"),
            uuid!("662ef48a-95e2-4aaa-a6c1-5b9c40375824"),
            uuid!("b2c1a50b-dad8-4dc7-ba4d-0ce9597904bc"),
            uuid!("f4ce5fc0-57d3-46f5-a736-efb7d5bc63b5"),
            uuid!("7dab85a5-d16d-4eaf-a7ef-4c1385b151c5"),
            uuid!("41e39911-c669-4811-b860-c6ad0b411b96"),
            uuid!("1ac71f64-468d-4fe0-bef1-0e5f2f551f18"),
            uuid!("6ab56fad-881f-4a43-acb2-0be065924522"),
            uuid!("0ebd9f2c-f685-441c-8c3e-a02a234a840a"),
            uuid!("9a3f2abd-a73d-439c-9ee7-1b53a857eaa7"),
            uuid!("9eb7eabc-9db5-49a1-b6c3-555a802093f4"),
        ],
    ),
    (
        "YubiKey 5 FIPS",
        Place::SecurityKey,
        &[
            uuid!("73bb0cd4-e502-49b8-9c6f-b59445bf720b"),
            uuid!("57f7de54-c807-4eab-b1c6-1c9be7984e92"),
            uuid!("905b4cb4-ed6f-4da9-92fc-45e0d4e9b5c7"),
            uuid!("85203421-48f9-4355-9bc8-8a53846e5083"),
            uuid!("7b96457d-e3cd-432b-9ceb-c9fdd7ef7432"),
            uuid!("3a662962-c6d4-4023-bebb-98ae92e78e20"),
            uuid!("fcc0118f-cd45-435b-8da1-9782b2da0715"),
            uuid!("c1f9a0bc-1dd2-404a-b27f-8e29047a43fd"),
            uuid!("79f3c8ba-9e35-484b-8f47-53a5a0f5c630"),
        ],
    ),
    (
        "YubiKey Bio",
        Place::SecurityKey,
        &[
            uuid!("9dd8d593-2213-438a-97f8-d6b813d51c27"),
            uuid!("add92433-0d69-4026-8166-29b25bce64e9"),
            uuid!("ba0a9266-40d8-4048-9786-d710b5474752"),
            uuid!("9806a2c8-c0da-478e-b4ca-620005d34182"),
            uuid!("dc5e949d-f939-43b3-9877-a85c7186b753"),
            uuid!("d8522d9f-575b-4866-88a9-ba99fa02f35b"),
            uuid!("dd86a2da-86a0-4cbe-b462-4bd31f57bc6f"),
            uuid!("7409272d-1ff9-4e10-9fc9-ac0019c124fd"),
            uuid!("ad08c78a-4e41-49b9-86a2-ac15b06899e2"),
            uuid!("8c39ee86-7f9a-4a95-9ba3-f6b097e5c2ee"),
            uuid!("83c47309-aabb-4108-8470-8be838b573cb"),
            uuid!("90636e1f-ef82-43bf-bdcf-5255f139d12f"),
            uuid!("34744913-4f57-4e6e-a527-e9ec3c4b94e6"),
            uuid!("7d1351a6-e097-4852-b8bf-c9ac5c9ce4a3"),
            uuid!("6ec5cff2-a0f9-4169-945b-f33b563f7b99"),
            uuid!("97e6a830-c952-4740-95fc-7c78dc97ce47"),
            uuid!("58276709-bb4b-4bb3-baf1-60eea99282a7"),
        ],
    ),
    (
        "Security Key by Yubico",
        Place::SecurityKey,
        &[
            uuid!("f8a011f3-8c0a-4d15-8006-17111f9edc7d"),
            uuid!("b92c3f9a-c014-4056-887f-140a2501163b"),
            uuid!("149a2021-8ef6-4133-96b8-81f8d5b7f1f5"),
            uuid!("6d44ba9b-f6ec-2e49-b930-0c8fe920cb73"),
            uuid!("b7d3f68e-88a6-471e-9ecf-2df26d041ede"),
            uuid!("a4e9fc6d-4cbe-4758-b8ba-37598bb5bbaa"),
            uuid!("e77e3c64-05e3-428b-8824-0cbeb04b829d"),
            uuid!("47ab2fb4-66ac-4184-9ae1-86be814012d5"),
            uuid!("ed042a3a-4b22-4455-bb69-a267b652ae7e"),
            uuid!("0bb43545-fd2c-4185-87dd-feb0b2916ace"),
            uuid!("9ff4cc65-6154-4fff-ba09-9e2af7882ad2"),
            uuid!("72c6b72d-8512-4c66-8359-9d3d10d9222f"),
        ],
    ),
    ("Google Titan Security Key", Place::SecurityKey, &[uuid!("42b4fb4a-2866-43b2-9bf7-6c6669c2e5d3")]),
    (
        "Feitian security key",
        Place::SecurityKey,
        &[
            uuid!("12ded745-4bed-47d4-abaa-e713f51d6393"),
            uuid!("77010bd7-212a-4fc9-b236-d2ca5e9d4084"),
            uuid!("a02140b7-0cbd-42e1-a9b5-a39da2545114"),
            uuid!("b6ede29c-3772-412c-8a78-539c1f4c62d2"),
            uuid!("42df17de-06ba-4177-a2bb-6701be1380d6"),
            uuid!("2bff89f2-323a-48fc-b7c8-9ff7fe87c07e"),
            uuid!("4c0cf95d-2f40-43b5-ba42-4c83a11c04ba"),
            uuid!("12755c32-8ad1-46eb-881c-e0b38d848b09"),
            uuid!("39589099-9a75-49fc-afaa-801ca211c62a"),
            uuid!("78ba3993-d784-4f44-8d6e-cc0a8ad5230e"),
            uuid!("833b721a-ff5f-4d00-bb2e-bdda3ec01e29"),
            uuid!("ee041bce-25e5-4cdb-8f86-897fd6418464"),
            uuid!("260e3021-482d-442d-838c-7edfbe153b7e"),
            uuid!("234cd403-35a2-4cc2-8015-77ea280c77f5"),
            uuid!("2c0df832-92de-4be1-8412-88a8f074df4a"),
            uuid!("3e22415d-7fdf-4ea4-8a0c-dd60c4249b9d"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_people_meet_most_are_known() {
        for (aaguid, name, place) in [
            (uuid!("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"), "iCloud Keychain", Place::Cloud),
            (uuid!("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"), "Google Password Manager", Place::Cloud),
            (uuid!("08987058-cadc-4b81-b6e1-30de50dcbe96"), "Windows Hello", Place::Device),
            (uuid!("adce0002-35bc-c60a-648b-0b25f1f05503"), "Chrome on Mac", Place::Browser),
            (uuid!("2fc0579f-8113-47ea-b116-bb5a8db9202a"), "YubiKey 5", Place::SecurityKey),
        ] {
            assert_eq!(provider(aaguid), Some(Provider { name, place }));
        }
    }

    #[test]
    fn who_does_not_say_is_nobody() {
        assert_eq!(provider(Uuid::nil()), None);
        // The virtual authenticator of the recordings.
        assert_eq!(provider(uuid!("01020304-0506-0708-0102-030405060708")), None);
    }

    #[test]
    fn every_id_is_of_one_provider() {
        let all: Vec<Uuid> = PROVIDERS.iter().flat_map(|(.., ids)| ids.iter().copied()).collect();
        let different: std::collections::BTreeSet<Uuid> = all.iter().copied().collect();
        assert_eq!(different.len(), all.len());
        assert!(!different.contains(&Uuid::nil()));
    }
}
