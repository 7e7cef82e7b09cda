"""Signoff: AI drafts, a person signs off. How one message travels, and the module of each step.

    channel           a customer's words come in                              adapters.webchat, adapters.webhook
    receiving         message, review and the promise of a draft: one         bot.steps.receiving
                      transaction, and only then is the channel answered
    drafting          rules first, then the model; whatever it does, the      bot.steps.drafting, bot.drafting
                      card comes
    posting           the rows behind a card become the card, and the card    bot.steps.posting, bot.core.drawing
                      hangs on a surface, once                                bot.surfaces.slack
    deciding          a press becomes a decision, its feedback, the outgoing  bot.surfaces.slack.listeners
                      words and their delivery: one transaction, the first    bot.steps.deciding, .settling,
                      press wins                                              .owning, .undoing, .recording
    relaying          held, then sending, then sent or shown as failed        bot.steps.relaying

What is promised to the world is a job (storage.jobs), written in the transaction of its cause. Every step may run twice
and looks before it acts. What may be decided without a world is in bot.core. Everything is built in bot.app, served by
bot.host, and reached from outside by bot.__main__.
"""
