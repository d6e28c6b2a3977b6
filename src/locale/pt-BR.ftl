### Brazilian Portuguese, the default. The other languages are translated from this file.
###
### Agents read this all day: short sentences, the tone of a colleague, no jargon.
### - Texts are plain: none of < > & * _ ~ `, no :emoji:, emoji as Unicode only. What comes in
###   through a variable is fit for the place where the text appears.
### - Every state has a word and a picture of its own: nothing is said by colour alone.
### - Every language has the same messages with the same variables (tests/it/locale.rs).

## The card: the root of a ticket's thread. card-new and card-changed are what notifications and
## screen readers say, the others are its lines.

card-new = Novo ticket #{ $number } de { $customer } ({ $channel }): { $text }
card-new-unnumbered = Novo ticket de { $customer } ({ $channel }): { $text }
card-changed = Ticket #{ $number } de { $customer }: { $state }
card-changed-unnumbered = Ticket de { $customer }: { $state }
card-waiting = ⏳ Aguardando atendente
card-claimed = 💬 Em atendimento
card-closed = ✅ Encerrado
card-transferred = ↪️ Transferido
card-active = 📣 Mensagem ativa
card-active-sent = enviada
card-active-waits = aguardando a resposta do cliente
card-since = chegou { $time }
card-unanswered = ⏰ ainda sem resposta
card-with = com
card-team = Fila { $team }
card-tags = 🏷️ { $tags }
card-standby = 💤 modo de espera
priority-low = 🔽 prioridade baixa
priority-medium = 🔸 prioridade média
priority-high = 🔺 prioridade alta
priority-maximum = 🚨 prioridade máxima
limit-waiting = ⌛ SLA de espera vencido
limit-first-answer = ⌛ SLA da 1ª resposta vencido
limit-attendance = ⌛ SLA de atendimento vencido
card-rating = ⭐ nota { $rating }
card-closed-agent = finalizado por { $agent }
card-closed-elsewhere = finalizado no Blip Desk
card-closed-customer = encerrado pelo cliente
card-closed-inactivity = encerrado por inatividade
card-closed-transferred = transferido
card-closed-other = encerrado no Blip ({ $status })
card-continues = continuação do ticket { $link }
card-went-on = continua no ticket { $link }
card-earlier = atendimento anterior: { $link }
card-window = ⏱️ Janela de 24 h do WhatsApp aberta até { $time }
card-window-closed = ⛔ Janela de 24 h fechada desde { $time }: só dá para enviar modelo de mensagem

## Buttons: one to three words that begin with a verb.

button-claim = Assumir
button-take-over = Assumir para mim
button-close = Finalizar
button-send = Enviar ao cliente
button-take-over-and-send = Assumir e enviar
button-keep-note = Manter como nota
button-send-correction = Enviar correção
button-retry = Tentar de novo
button-skip = Descartar
button-close-anyway = Finalizar mesmo assim
button-keep-open = Deixar aberto
button-transfer = Transferir
button-save = Salvar
button-cancel = Cancelar
button-send-nothing = Não enviar
button-done = Fechar

## The menu of a card.

menu-tags = 🏷️ Tags
menu-reply = 💬 Resposta pronta
menu-template = 📄 Enviar modelo de mensagem
menu-release = ⏳ Devolver para a fila
menu-history = 🕑 Histórico
menu-details = 🔎 Detalhes do ticket
menu-standby = 💤 Modo de espera
menu-standby-end = ▶️ Sair do modo de espera
menu-contact = ✏️ Editar contato
menu-comment = 💬 Adicionar comentário

## The thread: lines that everybody in the channel reads.

thread-claimed = 👀 { $agent } assumiu este atendimento.
thread-taken-over = 👀 { $agent } assumiu este atendimento, que estava com { $previous }.
thread-released = ⏳ { $agent } devolveu este atendimento para a fila: ninguém está com ele.
thread-assigned = 👀 { $agent } recebeu este atendimento: próxima pessoa da vez.
thread-taken-back = ⏳ { $agent } não respondeu em { $time }: este atendimento passa para a próxima pessoa livre.
thread-unread = ⚠️ { $agent }, o cliente escreveu algo que ainda não estava aqui quando você finalizou: o atendimento continua aberto. Finalizar mesmo assim?
thread-unread-farewell = ⚠️ { $agent }, o cliente escreveu algo que ainda não estava aqui quando você finalizou: o atendimento continua aberto. Finalizar mesmo assim? A despedida não foi enviada: “{ $text }”
thread-default-agent = No Blip, o ticket está em nome do atendente padrão, porque { $agent } não tem cadastro lá.
thread-closed-agent = ✅ { $agent } finalizou o atendimento às { $time }.
thread-closed-elsewhere = ✅ Finalizado no Blip Desk às { $time }.
thread-closed-customer = ✅ O cliente encerrou o atendimento às { $time }.
thread-closed-inactivity = ✅ Encerrado por inatividade às { $time }.
thread-closed-transferred = ↪️ Transferido às { $time }. Aqui não dá mais para responder.
thread-closed-other = ✅ Encerrado no Blip ({ $status }) às { $time }.
thread-claim-refused = ⚠️ { $agent } não conseguiu assumir: { $reason }.
thread-close-refused = ⚠️ { $agent } não conseguiu finalizar: { $reason }.
thread-not-delivered = ⚠️ Não entregue a { $customer }: { $reason }.
thread-words-not-delivered = ⚠️ Não entregue a { $customer }: “{ $words }”. Motivo: { $reason }.
undelivered-lasting = Enviar de novo não adianta.
undelivered-closed = O ticket está encerrado e não dá para enviar de novo.
undelivered-went-on = A conversa continua em outro ticket: escreva de novo nele.
undelivered-offer = Para enviar de novo, monte a mensagem outra vez no menu do cartão.
undelivered-active = O número ou o modelo pode estar errado.
thread-not-sent = ⚠️ Uma mensagem não foi enviada ao cliente: { $reason }. Ela está guardada.
thread-words-not-sent = ⚠️ Uma mensagem não foi enviada ao cliente: “{ $words }”. Motivo: { $reason }. Ela está guardada.
thread-part-not-sent = ⚠️ Da mensagem de { $agent }, o cliente não recebeu: { $parts }.
part-forwarded = mensagem encaminhada
part-image = imagem
part-unreadable = conteúdo que a integração não sabe ler ({ $kind })
thread-parked = ⚠️ Algo que chegou do cliente não pôde ser mostrado: { $reason }. Está guardado.
thread-words-parked = ⚠️ Uma mensagem do cliente não pôde ser mostrada: “{ $words }”. Motivo: { $reason }. Ela está guardada.
thread-parked-news = ⚠️ Uma novidade do Blip sobre este ticket não pôde ser mostrada: { $reason }. Ela está guardada.
message-erased = 🗑️ Apagado a pedido do cliente.
channel-shared = ⚠️ Este canal é compartilhado com outra empresa, ou há um convite para isso (Slack Connect). As pessoas dela leem o que os clientes escrevem aqui, mas não podem atender. Use um canal só da sua empresa para os atendimentos.
thread-parked-move = ⚠️ Uma ação não foi concluída: { $reason }. Ela está guardada.
thread-parked-action = ⚠️ Uma ação não foi concluída: { $words }. Motivo: { $reason }. Ela está guardada.
thread-moved-deleted = A conversa anterior foi apagada no Slack. O atendimento continua aqui.
thread-moved-channel = O canal anterior não está mais ao alcance do app. O atendimento continua aqui.
card-elsewhere = O app não consegue publicar no canal deste atendimento. O atendimento fica aqui.
thread-gap = ⏮️ Chegou enquanto a integração estava fora do ar:
thread-transferred-by = ↪️ { $agent } transferiu o atendimento para { $to }.
thread-transferred-unknown = ↪️ { $agent } transferiu o atendimento para { $to }. O novo ticket vai aparecer em um cartão próprio.
thread-handed = { $agent } passou este ticket para você.
thread-handed-unknown = ↪️ { $agent } passou este ticket para { $to }, que não está no Slack: avise essa pessoa.
thread-handed-away = ↪️ { $agent } passou este ticket para { $to }, que não está neste canal: avise essa pessoa.
thread-goes-on = ⏳ { $customer } continua aqui como ticket #{ $number }, aguardando atendente.
thread-goes-on-team = ⏳ { $customer } continua aqui como ticket #{ $number }, na fila { $team }, aguardando atendente.
thread-transfer-refused = ⚠️ { $agent } não conseguiu transferir: { $reason }.
thread-tag-needed = 🏷️ { $agent }, este ticket precisa de uma tag antes de ser finalizado.
thread-tag-needed-farewell = 🏷️ { $agent }, este ticket precisa de uma tag antes de ser finalizado. A despedida não foi enviada: “{ $text }”
thread-tags-refused = ⚠️ { $agent } não conseguiu mudar as tags: { $reason }.
thread-standby = 💤 { $agent } colocou o ticket em modo de espera: o Blip não o encerra por inatividade.
thread-standby-ended = ▶️ { $agent } tirou o ticket do modo de espera.
thread-standby-ended-elsewhere = ▶️ Um gestor tirou o ticket do modo de espera no Blip.
thread-standby-ended-for-you = ▶️ { $agent }, um gestor tirou o ticket do modo de espera no Blip.
thread-standby-refused = ⚠️ { $agent } não conseguiu mudar o modo de espera: { $reason }.
thread-standby-too-early = ⚠️ { $agent } não conseguiu colocar o ticket em modo de espera: isso só dá depois da primeira resposta ao cliente.
thread-contact-refused = ⚠️ { $agent } não conseguiu mudar o contato: { $reason }.
thread-comment-refused = ⚠️ { $agent } não conseguiu comentar no contato: { $reason }.
thread-sent = 📤 { $agent } ao cliente:
thread-away = 🌙 Fora do horário: o cliente recebeu a resposta automática.
thread-window-closed = ⛔ A mensagem de { $agent } não foi enviada: já se passaram 24 horas desde a última mensagem do cliente, e agora o WhatsApp só aceita modelos de mensagem.
thread-template-sent = 📄 { $agent } enviou o modelo { $name }:

## What was said before the handoff.

context-title = Antes do atendimento
context-customer = Cliente
context-bot = Bot
context-agent = Atendente

## Questions and news that one person reads.

ask-held = { $agent } já está com este atendimento.
ask-typed = Não foi enviado. O que você escreveu:
ask-closed = Este ticket já foi encerrado.
ask-active = Ainda não há ticket: ele começa quando o cliente responder.
ask-close-without-farewell = O ticket continua aberto, porque a despedida não pôde ser enviada. Finalizar sem despedida?
ask-cannot-reopen = Ticket encerrado não reabre no Blip. Se o cliente escrever de novo, chega um ticket novo.
ask-no-identity = Não encontrei você no Blip, por isso não dá para assumir. Peça a quem cuida da integração para definir AGENT_MAP ou BLIP_DEFAULT_AGENT.
ask-not-agent-note = Sua mensagem ficou como nota: só atendentes falam com o cliente.
ask-not-agent-move = Só atendentes podem fazer isso.
ask-not-in-channel = Só quem está no canal do ticket pode fazer isso: entre nele e tente de novo.
ask-no-group = Ninguém é reconhecido como atendente agora: o grupo de atendentes configurado não existe no Slack. Avise quem cuida da integração.
ask-no-bot = O bot deste atendimento não está configurado no momento. O que você fez fica guardado e segue quando ele voltar; avise quem cuida da integração.
ask-closed-note = Ticket encerrado: sua mensagem não foi enviada e ficou como nota.
ask-active-note = Ainda não há ticket: ele começa quando o cliente responder. Sua mensagem não foi enviada e ficou como nota.
ask-not-holder = { $agent } está com este atendimento, e o cliente não recebeu sua mensagem. O que fazer com ela?
ask-unclaimed = Ninguém assumiu este atendimento, e o cliente não recebeu sua mensagem. O que fazer com ela?
ask-note-edited = Esta mensagem não começa mais como nota, mas continua sendo uma: o cliente não a recebeu. O que fazer com ela?
ask-forwarded = O cliente não recebeu a mensagem que você encaminhou. O que fazer com ela?
ask-sent = Enviada ao cliente.
ask-not-sent = Não foi enviada: veja o motivo na conversa.
ask-kept = Mantida como nota.
ask-taken-over = Você assumiu o atendimento.
ask-retried = Tentando de novo.
ask-skipped = Descartado.
ask-closed-anyway = Finalizado mesmo assim.
ask-kept-open = Continua aberto.
ask-again = O Slack não abriu a janela. Tente de novo, por favor.
ask-already-yours = Este atendimento já está com você.
ask-outdated = A situação mudou e este botão não vale mais.
ask-forbidden = 🚫 Não foi enviado: “{ $word }” é uma expressão proibida no Blip. Escreva de novo sem ela.
ask-oversized = Esta mensagem é grande demais para ser lida: ela ficou como nota e não foi enviada ao cliente. Envie-a em partes menores ou como arquivo.
ask-resend-closed = ⚠️ Não entregue ao cliente, e não dá para enviar de novo: o ticket terminou.
ask-resend-gone = ⚠️ Não entregue ao cliente, e o que foi enviado não está mais aqui: escreva de novo.
ask-already-sent = Já foi enviada ao cliente.
ask-not-note = Só uma nota pode ser enviada assim, e esta mensagem não é uma.
ask-nothing-to-send = Desta nota, nada pode ser enviado ao cliente.
ask-no-ticket = Esta mensagem não é de nenhum ticket.
ask-outside = 💬 Nenhum cliente lê o que você escreve aqui, fora das conversas. Para responder, escreva na thread do cartão.
ask-delayed-move = ⏳ O Blip não está respondendo. O que você pediu está guardado e acontece assim que ele voltar: não precisa pedir de novo.
ask-delayed = ⏳ O Blip não está respondendo. O que você escreveu está guardado e sai assim que ele voltar: não precisa escrever de novo.
ask-edited = O cliente continua vendo o texto de antes: edições feitas aqui não chegam até ele.
ask-deleted = O cliente já recebeu essa mensagem: apagar aqui não apaga lá.

## Dialogs. Titles have at most 24 characters.

dialog-close = Finalizar ticket
dialog-transfer = Transferir ticket
dialog-tags = Tags do ticket
dialog-reply = Resposta pronta
dialog-template = Modelo de mensagem
dialog-history = Histórico
dialog-details = Detalhes do ticket
dialog-contact = Editar contato
dialog-comment = Comentário do contato
dialog-comment-words = Comentário
dialog-comment-hint = Fica no contato, no Blip: o cliente não lê, e quem atender depois lê.
dialog-hidden-hint = Aqui há um número oculto no Slack: deixe vazio para não mudar.
dialog-notice = Blip Desk
dialog-held = { $agent } está com este atendimento.
dialog-held-send = Enviar mesmo assim: { $agent } continua atendendo
dialog-held-take-over = Assumir e enviar
dialog-held-told = { $agent } está com este atendimento e vai saber do que você fizer.
dialog-claims = Ninguém está com este atendimento: quem envia também assume.
dialog-unread = { $count ->
    [one] ⚠️ O cliente enviou { $count } mensagem que ainda não apareceu no Slack. Espere alguns segundos e ela aparece na conversa; ou finalize mesmo assim.
   *[other] ⚠️ O cliente enviou { $count } mensagens que ainda não apareceram no Slack. Espere alguns segundos e elas aparecem na conversa; ou finalize mesmo assim.
}
dialog-farewell = Mensagem de despedida
dialog-no-farewell = ⛔ Já se passaram 24 horas desde a última mensagem do cliente: nenhuma despedida chegaria. O ticket será finalizado sem despedida.
dialog-farewell-late = ⛔ Sua despedida não foi enviada: já se passaram 24 horas desde a última mensagem do cliente. Finalizar o ticket sem ela?
dialog-window-closed = ⛔ Já se passaram 24 horas desde a última mensagem do cliente: até ele escrever de novo, o WhatsApp só aceita modelos de mensagem.
dialog-search = Digite para buscar
dialog-destination = Transferir para
dialog-destination-hint = Uma fila ou um atendente. O atendimento ganha um novo número.
dialog-tags-label = Tags
dialog-reply-which = Resposta
dialog-reply-too-long = Esta resposta é longa demais para ser enviada daqui.
dialog-template-which = Modelo
dialog-reply-words = Mensagem (você pode editar)
dialog-queue-tags = Da fila
dialog-other-tags = Outras
dialog-teams = Filas
dialog-agents = Atendentes
dialog-agent-online = 🟢 online
dialog-agent-paused = ⏸️ em pausa
dialog-agent-offline = ⚪ offline
dialog-team-online = 🟢 { $count } online
dialog-team-nobody = ⚪ ninguém online
dialog-loading = ⏳ Buscando no Blip…
dialog-earlier = Atendimentos anteriores
dialog-no-earlier = Nenhum atendimento anterior por aqui.
dialog-transcript = Conversa
dialog-no-words = Nenhuma mensagem ainda.
dialog-unavailable = O Blip não respondeu. Tente de novo daqui a pouco.
details-customer = Cliente
details-number = Ticket
details-state = Situação
details-channel = Canal
details-team = Fila
details-tags = Tags
details-since = Chegou
details-identity = ID do contato no Blip
details-id = ID do ticket no Blip
details-phone = Telefone
details-email = E-mail
details-city = Cidade
details-document = Documento
details-address = Endereço
details-group = Grupo
details-comments = Comentários

## Reminders.

remind-unclaimed = ⏰ { $ticket } espera há { $time }: ninguém assumiu.
remind-unclaimed-many = ⏰ { $count } atendimentos esperam e ninguém assumiu:
remind-unanswered = ⏰ { $agent }, { $ticket } espera uma resposta há { $time }.

## The home tab and the answers to /blip.

home-mine = Meus atendimentos ({ $count })
home-waiting = Aguardando atendente ({ $count })
home-found = Encontrados ({ $count })
done-claimed = 👀 { $ticket } agora é seu.
done-taken-over = 👀 Você assumiu { $ticket }.
done-released = ⏳ Você devolveu { $ticket } para a fila.
done-closed = ✅ Você finalizou { $ticket }.
done-commented = Comentário salvo no contato.
home-none-mine = Você não está com nenhum atendimento.
home-none-waiting = Ninguém está esperando.
home-outside = 👉 Mais { $count } aguardando em { $channels }: entre no canal para ver e assumir.
home-none-found = Nenhum ticket encontrado.
home-team = { $team } · { $count } · o mais antigo desde { $time }
home-team-one = { $team } · { $count }
home-no-team = Sem fila
home-news = { $count ->
    [one] { $count } mensagem nova
   *[other] { $count } mensagens novas
}
home-more = … e mais { $count }
home-unanswered = ⏰ sem resposta desde { $time }
home-open = 🎫 Atendimentos abertos: { $open }, aguardando atendente: { $unclaimed }
home-unavailable = Não foi possível responder agora. Tente de novo daqui a pouco.
home-closed = Só atendentes veem os atendimentos aqui.
pause-begun = ⏸️ Você está em pausa: nenhum atendimento novo é passado para você. Os que já estão com você continuam seus. Para voltar: /blip voltar
pause-over = ▶️ Você voltou: novos atendimentos podem ser passados para você.
pause-since = ⏸️ Em pausa desde { $time }
switch-pause = Em pausa
switch-pause-about = Nenhum atendimento novo é passado para mim
switch-messages = Avisar por mensagem direta
switch-messages-about = Se um cliente meu escrever enquanto eu estiver ausente
direct-waiting = 💬 { $ticket } espera a sua resposta, e você está ausente.
health-well = 🟢 Integração funcionando
health-ailing = 🔴 Integração com problemas: avise quem cuida dela
health-outage = 🟠 { $platform } não responde desde { $time }: o que espera sai quando voltar a responder
health-parked = { $count ->
    [one] ⚠️ { $count } parado, aguardando alguém resolver
   *[other] ⚠️ { $count } parados, aguardando alguém resolver
}
help-mine = os atendimentos que estão com você
help-waiting = quem aguarda um atendente, por fila
help-find = um ticket pelo número ou pelo nome do cliente
help-new = um modelo para um número, por exemplo +55 11 98765-4321
help-pause = faça uma pausa, em que nenhum atendimento novo é passado para você
help-resume = volte da pausa
help-status = como está a integração
help-thread = Na thread de um atendimento
help-thread-claim = 👀 no cartão, Assumir ou uma resposta na thread: o atendimento é seu
help-thread-note = Nota, que o cliente não vê: comece com //, use 🔒 ou mencione um colega
help-thread-close = ✅ no cartão ou Finalizar: termina, com tags e despedida se você quiser
help-thread-marks = Na sua mensagem: 📩 o Blip recebeu, 📬 chegou ao cliente, 👓 foi lida, ❌ não chegou

## The home tab of who leads a team.

lead-title = 📊 Equipe
lead-now = Agora
lead-queue = ⏳ { $unclaimed } aguardando · 💬 { $held } em atendimento · ⏰ { $unanswered } sem resposta
lead-oldest = Espera mais longa
lead-since = desde { $time }
lead-first-answer = Primeira resposta, hoje
lead-closing = Até encerrar, hoje
lead-spread = { $count ->
    [one] { $count } ticket · mediana { $median } · máximo { $slowest }
   *[other] { $count } tickets · mediana { $median } · máximo { $slowest }
}
lead-none-yet = nenhum ainda
lead-teams = Por fila, hoje
lead-team = ⏳ { $unclaimed } aguardando · 💬 { $held } em atendimento
lead-agents = Por atendente, hoje
lead-agent = 💬 { $held } em atendimento
lead-row-first = { $count ->
    [one] 1ª resposta { $median } (máx. { $slowest }, { $count } ticket)
   *[other] 1ª resposta { $median } (máx. { $slowest }, { $count } tickets)
}
lead-row-closing = { $count ->
    [one] até encerrar { $median } (máx. { $slowest }, { $count } ticket)
   *[other] até encerrar { $median } (máx. { $slowest }, { $count } tickets)
}
lead-longest = Esperam há mais tempo
lead-nobody = aguardando atendente

## The weekly post for who leads a team. weekly-columns are the headings of a table, weekly-days the
## days from Monday on, weekly-separator what stands between the cells of a line.

weekly-title = 📊 Semana de { $from } a { $until }
weekly-opened = Novos: { $count }
weekly-answered = Primeira resposta: { $spread }
weekly-closed = Até encerrar: { $spread }
weekly-none = nenhum
weekly-chart = Semana em gráfico
weekly-table = Tickets da semana
weekly-per-day = Novos por dia
weekly-closed-by-agent = Encerrados por atendente
weekly-first-by-team = Primeira resposta por fila (mediana)
weekly-first-by-agent = Primeira resposta por atendente (mediana)
weekly-days = seg ter qua qui sex sáb dom
weekly-separator = ;
weekly-columns = ticket|bot|fila|atendente|chegou|primeira resposta|encerrado|segundos até a primeira resposta|segundos até encerrar|como terminou|nota

## The words behind /blip; those of all languages are understood.

command-mine = meus
command-waiting = aguardando
command-find = buscar
command-new = novo
command-pause = pausa
command-resume = voltar
command-status = status

## What the app is made of in Slack, in the language of LOCALE.

manifest-command = Meus atendimentos, quem aguarda, achar um ticket, situação, ajuda
manifest-hint = meus | aguardando | buscar 1042 ou Maria | status | ajuda
manifest-claim = Assumir o atendimento desta thread
manifest-close = Finalizar o atendimento desta thread
manifest-reply = Enviar uma resposta pronta ao cliente
manifest-compose = Enviar botões, menu, localização ou link ao cliente
manifest-note = Impedir que uma mensagem seja enviada, enquanto há tempo
manifest-send-note = Enviar esta nota ao cliente como resposta
manifest-details = Tudo o que se sabe do atendimento desta thread
manifest-comment = Guardar a mensagem como comentário no contato do cliente

## What a customer sent, where it is more than words. Most are labels that lines follow.

content-address = Endereço: { $text }
content-also = Contém também:
content-asks-location = 📍 Pedido de localização
content-audio = 🎧 Áudio
content-call = 📞 Chamada
content-call-allowed = 📞 O cliente aceitou receber ligações
content-call-answered = Atendida
content-call-busy = Ocupado
content-call-cancelled = Cancelada
content-call-completed = Concluída
content-call-failed = Falhou
content-call-permission = 📞 Resposta ao pedido de ligação
content-call-progress = Em andamento
content-call-refused = 📞 O cliente não quer receber ligações
content-call-unanswered = Não atendida
content-call-video = 📹 Chamada de vídeo
content-call-voice = 📞 Chamada de voz
content-checkout = 🛒 Compra
content-contact = 👤 Contato
content-copy-and-paste = 📋 Código para copiar
content-created = Criada em: { $text }
content-date = Data: { $text }
content-deleted = 🗑️ O cliente apagou uma mensagem
content-due = Vencimento: { $text }
content-empty = Mensagem vazia
content-file = 📎 Arquivo
content-file-unavailable = Este arquivo não pode ser aberto
content-form = 📝 Formulário preenchido
content-human-requested = 🙋 O cliente pediu para falar com uma pessoa
content-image = 🖼️ Imagem
content-invoice = 🧾 Cobrança
content-invoice-status = 🧾 Situação do pagamento
content-link-clicked = 🔗 O cliente abriu um link
content-location = 📍 Localização
content-more = … e mais conteúdo, que não cabe aqui
content-paid = Pago em: { $text }
content-payment-receipt = 🧾 Comprovante de pagamento
content-reaction = Reagiu com { $emoji }
content-reaction-to = Reagiu com { $emoji } a: { $text }
content-reaction-removed = Retirou a reação
content-reaction-removed-from = Retirou a reação a: { $text }
content-redirected = ↪️ Conversa redirecionada
content-reply-to = Em resposta a: { $text }
content-earlier = uma mensagem anterior
content-earlier-link = uma mensagem anterior: { $link }
content-resource = 📄 Conteúdo pronto
content-sensitive = 🔒 Conteúdo sensível, oculto
content-sticker = 🏷️ Figurinha
content-summary = 📋 Resumo da conversa
content-survey = ⭐ Pesquisa de satisfação
content-score = Nota: { $text }
content-system = ⚙️ Aviso interno do Blip
content-taxes = Impostos: { $text }
content-template = 📄 Modelo de mensagem
content-ticket = 🎫 Ticket
content-typing = Digitando…
content-unavailable = 🚫 Conteúdo indisponível
content-unknown = ❔ Mensagem do tipo { $kind }
content-unknown-text = ❔ Mensagem do tipo { $kind }: { $text }
content-unreadable = ⚠️ Mensagem grande demais ou malformada, que não pode ser exibida ({ $kind }). Consulte-a no Blip ou peça ao cliente que a envie de outra forma.
content-video = 🎬 Vídeo
content-voice = 🎤 Mensagem de voz

## Channels of Blip by domain, with a hyphen for each dot.

channel-wa-gw-msging-net = WhatsApp
channel-0mn-io = Blip Chat
channel-messenger-gw-msging-net = Messenger
channel-instagram-gw-msging-net = Instagram
channel-telegram-gw-msging-net = Telegram
channel-workplace-gw-msging-net = Workplace
channel-skype-gw-msging-net = Skype
channel-abs-gw-msging-net = Microsoft Teams
channel-businessmessages-gw-msging-net = Google Business Messages
channel-businesschat-gw-msging-net = Apple Messages
channel-googlercs-gw-msging-net = Google RCS
channel-mailgun-gw-msging-net = E-mail
channel-take-io = SMS
channel-tangram-com-br = SMS
channel-msging-net = Blip
channel-tunnel-msging-net = Blip
channel-other = { $domain }

## Reasons by code of Blip, Meta or Slack (with a hyphen for each underscore), or by the name of
## our fault. They end a sentence: no capital at the beginning, no full stop.

reason-unknown = motivo não informado
reason-other = o Blip recusou (código { $code })
reason-unexplained = o Blip não aceitou e não diz por quê
reason-slack = o Slack não aceitou (código { $code })
reason-described = { $description } (código { $code })
reason-busy = muitas mensagens de uma vez
reason-unreachable = sem conexão há dias
reason-outcome-unknown = sem resposta, e não há como saber se chegou
reason-credentials = as credenciais da integração não foram aceitas
reason-internal-error = erro da integração
reason-21 = o Blip considerou a solicitação inválida
reason-24 = o ticket não aceita mais esta mudança
reason-25 = o Blip não conhece este atendente
reason-31 = a chave do Blip não tem permissão
reason-33 = o destinatário não existe mais
reason-34 = o limite de mensagens do contrato acabou
reason-35 = a chave do Blip não tem permissão
reason-42 = o destinatário não foi encontrado
reason-64 = o Blip não aceitou os dados do ticket ou do atendente
reason-66 = o Blip não permite isso para este ticket
reason-67 = o Blip não encontrou o que foi pedido
reason-71 = o canal não aceita este tipo de conteúdo
reason-82 = o canal não aceita este tipo de conteúdo
reason-83 = o canal não encontrou o cliente
reason-84 = o canal não permite isso
reason-85 = o canal recebeu mensagens demais
reason-86 = o canal não respondeu a tempo
reason-87 = o canal bloqueou mensagens para este cliente
reason-130472 = a Meta não entregou por causa de um experimento dela
reason-131026 = este número não pode receber mensagens no WhatsApp
reason-131031 = a conta do WhatsApp está bloqueada
reason-131047 = já se passaram 24 horas desde a última mensagem do cliente, e agora o WhatsApp só aceita modelos de mensagem
reason-131051 = o WhatsApp não aceita este tipo de mensagem
reason-131052 = o WhatsApp não conseguiu baixar o arquivo
reason-131053 = o WhatsApp não conseguiu receber o arquivo
reason-channel-not-found = o app não encontra o canal do Slack
reason-file-access-denied = a integração não pode ver o arquivo
reason-file-canvas = é um canvas, que só o Slack abre; copie o texto ou exporte como PDF
reason-file-list = é uma lista do Slack, que só o Slack abre; copie o texto
reason-file-post = é um post do Slack, que só o Slack abre; copie o texto
reason-file-email = é um e-mail, que o Slack não entrega como arquivo; copie o texto
reason-file-deleted = foi apagado no Slack
reason-file-elsewhere = não está guardado no Slack; envie o link
reason-file-hidden = o plano do workspace esconde o arquivo
reason-file-not-ready = o Slack não entrega o arquivo
reason-file-uploads-disabled = o envio de arquivos está desligado neste workspace
reason-file-web-page = o Slack mostra uma página de login no lugar dele; o app pode precisar da permissão files:read
reason-no-public-url = a integração não tem endereço público; peça a quem cuida dela para definir PUBLIC_URL
reason-no-scope-for-files = o app não tem permissão para arquivos e precisa ser instalado de novo
reason-storage-limit-reached = o espaço do workspace acabou
reason-is-archived = o canal do Slack está arquivado
reason-missing-scope = falta uma permissão ao app no Slack, e ele precisa ser instalado de novo
reason-msg-too-long = o texto é longo demais para o Slack
reason-not-in-channel = o app não está no canal do Slack
reason-too-many-members = o canal tem membros demais para serem lidos
reason-ticket-closed = o ticket já tinha terminado
reason-no-such-bot = o bot deste ticket não está configurado
reason-router-key-refused = a chave do bot que tem o canal do WhatsApp não foi aceita; quem administra o app pode configurar outra
reason-paid-unknown = não dá para saber se foi enviado, e seria cobrado de novo
reason-restricted-action = o Slack não deixa o app escrever neste canal
reason-thread-not-found = a conversa foi apagada no Slack

## Times, as patterns of strftime.

size-point = ,
time-at = às
time-clock = %H:%M
time-day = %d/%m/%Y
time-date = %d/%m/%Y %H:%M
time-moment = %d/%m às %H:%M
time-minutes = { $minutes } min
time-hours = { $hours } h { $minutes } min
time-days = { $days } d { $hours } h

## Arquivos: por que um não aparece, ou não foi enviado; frases curtas depois do nome.

words-left-out = { $count ->
    [one] … e mais { $count } caractere, que pode ser lido no Blip Desk.
   *[other] … e mais { $count } caracteres, que podem ser lidos no Blip Desk.
}
file-address = Não foi aberto aqui: o endereço não é público.
file-came-later = { $file }: chegou depois, veja mais abaixo
file-coming = { $file }, chegando
file-empty = O arquivo está vazio.
file-gone = O link não funciona mais.
file-later = Não foi possível baixar.
file-not-brought = { $file }: não foi possível trazer para cá, veja mais abaixo
file-not-shown = O Slack o recebeu e não o mostra.
file-not-taken = O Slack não aceitou: { $reason }.
file-one-of-many = Só os primeiros { $count } arquivos de uma mensagem são trazidos aqui; os outros estão nos links:
file-too-large = Tem mais de { $limit } e não foi trazido para cá.
file-too-much = Com os outros arquivos da mesma mensagem, passa de { $limit } e não foi trazido para cá.
file-too-slow = Chegava devagar demais.
file-web-page = O link leva a uma página, e não a um arquivo.
file-not-sent = ⚠️ { $name } não foi enviado ao cliente: { $reason }.
file-large-for-channel = { $name } tem { $size }, e o canal do cliente aceita no máximo { $limit }: pode não chegar.

## Compor o que é mais que palavras: o diálogo com a prévia.

menu-compose = ✨ Enviar botões, menu, localização ou link
button-preview = Pré-visualizar
dialog-compose = Mensagem interativa
dialog-preview = Pré-visualização
dialog-recipient = Para { $customer }
compose-kind = O que enviar
compose-quick = Respostas rápidas
compose-menu = Menu
compose-place = Localização
compose-link = Link
compose-question = Mensagem
compose-options = Opções, uma por linha
compose-quick-hint = De 1 a 3 opções diferentes, com até 20 caracteres cada.
compose-menu-hint = De 1 a 10 opções diferentes, com até 24 caracteres cada.
compose-where = Coordenadas ou link do mapa
compose-where-hint = Ex.: -22.9519, -43.2105, ou um link do Google Maps com as coordenadas.
compose-label = Nome do local
compose-address = Link (URL)
compose-title = Título
compose-text = Texto
compose-preview = O cliente vai receber esta mensagem:
compose-wrong-question = Falta a mensagem.
compose-wrong-where = Não encontrei coordenadas nesse texto.
compose-wrong-address = Precisa começar com https:// ou http://
compose-too-long = O texto passou do limite. Encurte um pouco.
templates-file = Link do arquivo acima do texto (https://…)
templates-title = Variável { $name } do título, que entra aqui: “{ $text }”
templates-variable = Variável { $name }, que entra aqui: “{ $text }”
templates-link = Final do link do botão “{ $button }”
templates-wrong-value = Uma linha de texto, sem tabulações nem mais de quatro espaços seguidos.
templates-gone = Este modelo não está mais disponível. Escolha outro.
templates-cost = 💲 O WhatsApp cobra por cada modelo enviado.
templates-none = O WhatsApp não tem nenhum modelo aprovado que possa ser enviado daqui.
templates-no-key = Não é possível enviar modelos daqui: o app não tem a chave do bot que tem o canal do WhatsApp. Quem o administra pode configurá-la.
templates-unavailable = O Blip não informou os modelos. Tente de novo daqui a pouco; se continuar, o blip-slack doctor mostra o motivo.
templates-not-allowed = Não é possível enviar modelos daqui: o Blip não deixa a chave do app ver os modelos; talvez ela não seja a do bot que tem o canal do WhatsApp. Quem administra o app pode configurar outra.
templates-no-whatsapp = Modelos só podem ser enviados a clientes do WhatsApp, e só quando o Blip informa quem eles são lá.
active-not-set-up = As mensagens ativas não estão configuradas: quem administra o app precisa definir a chave do bot que tem o canal do WhatsApp e o bloco em que as respostas entram.
active-wrong-number = Escreva o número com + e o país, por exemplo: /blip novo +55 11 98765-4321
active-which-bot = Vários bots podem escrever. Acrescente o nome de um: { $bots }
active-choose = Escolha o modelo para { $number } na janela que se abriu.
active-no-whatsapp = { $number } não está no WhatsApp: nada foi enviado.
active-refused = Nada foi enviado para { $number }: { $reason }.
active-unknown = Não dá para saber se o modelo foi enviado para { $number }. Confira no Blip antes de enviar de novo.
active-open-ticket = este cliente tem um ticket aberto, e enquanto isso o Blip não envia mensagem ativa
active-wrong-template = Este modelo tem variáveis no título, nos botões ou com nomes, e uma mensagem ativa não tem lugar para elas. Escolha outro.
