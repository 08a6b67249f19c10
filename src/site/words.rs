//! What the pages say where the elements do not: the title, and what stands there without JavaScript.

use super::language::Language;

/// In one language. Nothing in it is markup.
#[derive(Debug)]
pub struct Words {
    pub offer_title: &'static str,
    pub offer_heading: &'static str,
    pub offer_text: &'static str,
    pub go_on: &'static str,
    pub passkeys_title: &'static str,
    pub passkeys_text: &'static str,
    pub go_back: &'static str,
}

impl Language {
    pub fn words(self) -> &'static Words {
        match self {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
            Language::French => &FRENCH,
            Language::Spanish => &SPANISH,
            Language::Japanese => &JAPANESE,
            Language::Arabic => &ARABIC,
        }
    }
}

const ENGLISH: Words = Words {
    offer_title: "Sign in faster next time",
    offer_heading: "You can do this later",
    offer_text: "Setting up a passkey needs JavaScript, which is switched off or could not be loaded. You can set \
                 one up another time.",
    go_on: "Continue",
    passkeys_title: "Your passkeys",
    passkeys_text: "Your passkeys cannot be shown: this page needs JavaScript, which is switched off or could not be \
                    loaded.",
    go_back: "Back",
};

const GERMAN: Words = Words {
    offer_title: "Nächstes Mal schneller anmelden",
    offer_heading: "Das geht auch später",
    offer_text: "Um einen Passkey einzurichten, braucht es JavaScript. Es ist ausgeschaltet oder konnte nicht geladen \
                 werden. Sie können den Passkey ein andermal einrichten.",
    go_on: "Weiter",
    passkeys_title: "Ihre Passkeys",
    passkeys_text: "Ihre Passkeys können nicht angezeigt werden: Diese Seite braucht JavaScript. Es ist ausgeschaltet \
                    oder konnte nicht geladen werden.",
    go_back: "Zurück",
};

const FRENCH: Words = Words {
    offer_title: "Connectez-vous plus vite la prochaine fois",
    offer_heading: "Vous pourrez le faire plus tard",
    offer_text: "Pour créer une clé d’accès, il faut JavaScript, qui est désactivé ou n’a pas pu être chargé. Vous \
                 pourrez en créer une une autre fois.",
    go_on: "Continuer",
    passkeys_title: "Vos clés d’accès",
    passkeys_text: "Vos clés d’accès ne peuvent pas être affichées : cette page a besoin de JavaScript, qui est \
                    désactivé ou n’a pas pu être chargé.",
    go_back: "Retour",
};

const SPANISH: Words = Words {
    offer_title: "Inicia sesión más rápido la próxima vez",
    offer_heading: "Puedes hacerlo más tarde",
    offer_text: "Para crear una llave de acceso hace falta JavaScript, que está desactivado o no se ha podido cargar. \
                 Puedes crearla en otro momento.",
    go_on: "Continuar",
    passkeys_title: "Tus llaves de acceso",
    passkeys_text: "No se pueden mostrar tus llaves de acceso: esta página necesita JavaScript, que está desactivado o \
                    no se ha podido cargar.",
    go_back: "Volver",
};

const JAPANESE: Words = Words {
    offer_title: "次回からすばやくログイン",
    offer_heading: "あとで設定できます",
    offer_text: "パスキーの設定には JavaScript が必要ですが、無効になっているか、読み込めませんでした。\
                 パスキーは別の機会に設定できます。",
    go_on: "続ける",
    passkeys_title: "パスキー",
    passkeys_text: "パスキーを表示できません。このページには JavaScript が必要ですが、無効になっているか、\
                    読み込めませんでした。",
    go_back: "戻る",
};

const ARABIC: Words = Words {
    offer_title: "سجّل الدخول بشكل أسرع في المرة القادمة",
    offer_heading: "يمكنك القيام بذلك لاحقًا",
    offer_text: "يتطلب إعداد مفتاح المرور JavaScript، وهو معطّل أو تعذّر تحميله. يمكنك إعداد مفتاح المرور في وقت آخر.",
    go_on: "متابعة",
    passkeys_title: "مفاتيح المرور الخاصة بك",
    passkeys_text: "لا يمكن عرض مفاتيح المرور: تتطلب هذه الصفحة JavaScript، وهو معطّل أو تعذّر تحميله.",
    go_back: "رجوع",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// They are told nothing of how it works.
    #[test]
    fn no_language_uses_words_of_the_trade() {
        for language in Language::ALL {
            let said = format!("{:?}", language.words()).to_lowercase();
            for word in ["webauthn", "credential", "authenticator", "ceremony", "zugangsdaten"] {
                assert!(!said.contains(word), "{word} in {language:?}");
            }
        }
    }
}
