"""An explicit wish for a person is found in ten languages, without a model, and calm words are left alone."""

import pytest

from bot.core.humans import asks_for_a_person

WISHES = """
I want to speak to a human
Can I talk to a real person please?
agent please
HUMAN
connect me with an agent
let me speak to your manager
transfer me to a representative
I need a person, not a bot
I'd like to talk to someone
get me a human
can you put me through to an operator
are you a bot?
is this a real person?
please call me back
I would like to speak with a supervisor
stop sending me automated answers and no more bot replies
I'd prefer a live agent
Ich möchte mit einem Mitarbeiter sprechen
Kann ich bitte mit einem Menschen reden?
Geben Sie mir einen echten Menschen
Ich will keinen Bot
Verbinden Sie mich mit einer Kundenberaterin
Rufen Sie mich bitte an, rufen Sie mich an
Je veux parler à un conseiller
Puis-je parler à un humain ?
je voudrais parler avec une vraie personne
rappelez-moi
Quiero hablar con una persona
Páseme con un agente
Necesito hablar con un supervisor
Vorrei parlare con un operatore
posso parlare con una persona reale
Quero falar com um atendente
preciso falar com uma pessoa
Ik wil een medewerker spreken
Kan ik met iemand praten?
Ik wil een echt mens spreken
Jag vill prata med en människa
Jeg vil snakke med et menneske
Chcę rozmawiać z człowiekiem
Proszę połączyć mnie z konsultantem
Bir insanla konuşmak istiyorum
Müşteri temsilcisine bağlanmak istiyorum
""".strip().splitlines()

CALM = """
Can someone help me with my order?
The person who delivered it was kind
My travel agent booked it
How many people fit in the tent?
I talked to my husband and we want the green one
What is your human rights policy?
Das Zelt ist für zwei Personen
C'est pour une personne
Es para dos personas
Voor hoeveel personen is deze tent?
The robot vacuum is broken
Do you have manager-size backpacks?
""".strip().splitlines()


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_is_found_and_quoted(text: str) -> None:
    quote = asks_for_a_person(text)

    assert quote
    assert quote in text


@pytest.mark.parametrize("text", CALM)
def test_calm_words_are_left_alone(text: str) -> None:
    assert asks_for_a_person(text) == ""
