### Spanish, translated from pt-BR.ftl.
###
### Agents read this all day: short sentences, the tone of a colleague, no jargon.
### - Texts are plain: none of < > & * _ ~ `, no :emoji:, emoji as Unicode only. What comes in
###   through a variable is fit for the place where the text appears.
### - Every state has a word and a picture of its own: nothing is said by colour alone.
### - Every language has the same messages with the same variables (tests/it/locale.rs).

## The card: the root of a ticket's thread. card-new and card-changed are what notifications and
## screen readers say, the others are its lines.

card-new = Nuevo ticket #{ $number } de { $customer } ({ $channel }): { $text }
card-new-unnumbered = Nuevo ticket de { $customer } ({ $channel }): { $text }
card-changed = Ticket #{ $number } de { $customer }: { $state }
card-changed-unnumbered = Ticket de { $customer }: { $state }
card-waiting = ⏳ En espera de un agente
card-claimed = 💬 En curso
card-closed = ✅ Cerrado
card-transferred = ↪️ Transferido
card-active = 📣 Mensaje activo
card-active-sent = enviado
card-active-waits = a la espera de la respuesta del cliente
card-since = llegó { $time }
card-unanswered = ⏰ aún sin respuesta
card-with = con
card-team = Equipo { $team }
card-tags = 🏷️ { $tags }
card-standby = 💤 modo de espera
priority-low = 🔽 prioridad baja
priority-medium = 🔸 prioridad media
priority-high = 🔺 prioridad alta
priority-maximum = 🚨 prioridad máxima
limit-waiting = ⌛ SLA de espera vencido
limit-first-answer = ⌛ SLA de primera respuesta vencido
limit-attendance = ⌛ SLA de atención vencido
card-rating = ⭐ valoración { $rating }
card-closed-agent = cerrado por { $agent }
card-closed-elsewhere = cerrado en Blip Desk
card-closed-customer = cerrado por el cliente
card-closed-inactivity = cerrado por inactividad
card-closed-transferred = transferido
card-closed-other = cerrado en Blip ({ $status })
card-continues = continuación del ticket { $link }
card-went-on = continúa en el ticket { $link }
card-earlier = ticket anterior: { $link }
card-window = ⏱️ Ventana de 24 h de WhatsApp abierta hasta { $time }
card-window-closed = ⛔ Ventana de 24 h cerrada desde { $time }: solo se pueden enviar plantillas

## Buttons: one to three words that begin with a verb.

button-claim = Tomar
button-take-over = Tomarlo yo
button-close = Cerrar
button-send = Enviar al cliente
button-take-over-and-send = Tomar y enviar
button-keep-note = Dejar como nota
button-send-correction = Enviar corrección
button-retry = Reintentar
button-skip = Descartar
button-close-anyway = Cerrar igualmente
button-keep-open = Dejar abierto
button-transfer = Transferir
button-save = Guardar
button-cancel = Cancelar
button-send-nothing = No enviar
button-done = Listo

## The menu of a card.

menu-tags = 🏷️ Etiquetas
menu-reply = 💬 Respuesta predefinida
menu-template = 📄 Enviar plantilla de mensaje
menu-release = ⏳ Devolver a la cola
menu-history = 🕑 Historial
menu-details = 🔎 Detalles del ticket
menu-standby = 💤 Modo de espera
menu-standby-end = ▶️ Salir del modo de espera
menu-contact = ✏️ Editar contacto
menu-comment = 💬 Añadir comentario

## The thread: lines that everybody in the channel reads.

thread-claimed = 👀 { $agent } tomó este ticket.
thread-taken-over = 👀 { $agent } tomó este ticket, que tenía { $previous }.
thread-released = ⏳ { $agent } devolvió este ticket a la cola: nadie lo tiene ahora.
thread-assigned = 👀 { $agent } recibió este ticket: era su turno.
thread-taken-back = ⏳ { $agent } no respondió en { $time }: este ticket pasa a la próxima persona libre.
thread-unread = ⚠️ { $agent }, el cliente escribió algo que aún no estaba aquí cuando cerraste: el ticket sigue abierto. ¿Cerrarlo igualmente?
thread-unread-farewell = ⚠️ { $agent }, el cliente escribió algo que aún no estaba aquí cuando cerraste: el ticket sigue abierto. ¿Cerrarlo igualmente? La despedida no se envió: “{ $text }”
thread-default-agent = En Blip el ticket está a nombre del agente predeterminado, porque { $agent } no está registrado allí.
thread-closed-agent = ✅ { $agent } cerró el ticket a las { $time }.
thread-closed-elsewhere = ✅ Cerrado en Blip Desk a las { $time }.
thread-closed-customer = ✅ El cliente cerró el ticket a las { $time }.
thread-closed-inactivity = ✅ Cerrado por inactividad a las { $time }.
thread-closed-transferred = ↪️ Transferido a las { $time }. Desde aquí ya no se puede responder.
thread-closed-other = ✅ Cerrado en Blip ({ $status }) a las { $time }.
thread-claim-refused = ⚠️ { $agent } no pudo tomar el ticket: { $reason }.
thread-close-refused = ⚠️ { $agent } no pudo cerrar el ticket: { $reason }.
thread-not-delivered = ⚠️ No entregado a { $customer }: { $reason }.
thread-words-not-delivered = ⚠️ No entregado a { $customer }: “{ $words }”. Motivo: { $reason }.
undelivered-lasting = Enviarlo de nuevo no serviría.
undelivered-closed = El ticket está cerrado y no se puede enviar de nuevo.
undelivered-went-on = La conversación sigue en otro ticket: escríbelo de nuevo allí.
undelivered-offer = Para enviarlo de nuevo, ármalo otra vez en el menú de la tarjeta.
undelivered-active = El número o la plantilla puede estar mal.
thread-not-sent = ⚠️ Un mensaje no se envió al cliente: { $reason }. Queda guardado.
thread-words-not-sent = ⚠️ Un mensaje no se envió al cliente: “{ $words }”. Motivo: { $reason }. Queda guardado.
thread-part-not-sent = ⚠️ Del mensaje de { $agent }, el cliente no recibió: { $parts }.
part-forwarded = mensaje reenviado
part-image = imagen
part-unreadable = contenido que la integración no sabe leer ({ $kind })
thread-parked = ⚠️ Algo que llegó del cliente no se pudo mostrar: { $reason }. Está guardado.
thread-words-parked = ⚠️ Un mensaje del cliente no se pudo mostrar: “{ $words }”. Motivo: { $reason }. Queda guardado.
thread-parked-news = ⚠️ Una novedad de Blip sobre este ticket no se pudo mostrar: { $reason }. Queda guardada.
message-erased = 🗑️ Borrado a petición del cliente.
channel-shared = ⚠️ Este canal se comparte con otra empresa, o hay una invitación pendiente (Slack Connect). Sus personas leen lo que los clientes escriben aquí, pero no pueden atender. Usa un canal solo de tu empresa para los tickets.
thread-parked-move = ⚠️ Una acción no se completó: { $reason }. Queda guardada.
thread-parked-action = ⚠️ Una acción no se completó: { $words }. Motivo: { $reason }. Queda guardada.
thread-moved-deleted = El hilo anterior se borró en Slack. El ticket sigue aquí.
thread-moved-channel = La app ya no alcanza el canal anterior. El ticket sigue aquí.
card-elsewhere = La app no puede publicar en el canal de este ticket. El ticket queda aquí.
thread-gap = ⏮️ Llegó mientras la integración no funcionaba:
thread-transferred-by = ↪️ { $agent } transfirió el ticket a { $to }.
thread-transferred-unknown = ↪️ { $agent } transfirió el ticket a { $to }. El nuevo ticket aparecerá en su propia tarjeta.
thread-handed = { $agent } te pasó este ticket.
thread-handed-unknown = ↪️ { $agent } pasó este ticket a { $to }, que no está en Slack: avísale.
thread-handed-away = ↪️ { $agent } pasó este ticket a { $to }, que no está en este canal: avísale.
thread-goes-on = ⏳ { $customer } continúa aquí como ticket #{ $number }, sin responsable.
thread-goes-on-team = ⏳ { $customer } continúa aquí como ticket #{ $number }, en el equipo { $team }, sin responsable.
thread-transfer-refused = ⚠️ { $agent } no pudo transferir: { $reason }.
thread-tag-needed = 🏷️ { $agent }, este ticket necesita una etiqueta antes de cerrarse.
thread-tag-needed-farewell = 🏷️ { $agent }, este ticket necesita una etiqueta antes de cerrarse. La despedida no se envió: “{ $text }”
thread-tags-refused = ⚠️ { $agent } no pudo cambiar las etiquetas: { $reason }.
thread-standby = 💤 { $agent } puso el ticket en modo de espera: Blip no lo cierra por inactividad.
thread-standby-ended = ▶️ { $agent } sacó el ticket del modo de espera.
thread-standby-ended-elsewhere = ▶️ Un gestor sacó el ticket del modo de espera en Blip.
thread-standby-ended-for-you = ▶️ { $agent }, un gestor sacó el ticket del modo de espera en Blip.
thread-standby-refused = ⚠️ { $agent } no pudo cambiar el modo de espera: { $reason }.
thread-standby-too-early = ⚠️ { $agent } no pudo poner el ticket en modo de espera: solo se puede después de la primera respuesta al cliente.
thread-contact-refused = ⚠️ { $agent } no pudo cambiar el contacto: { $reason }.
thread-comment-refused = ⚠️ { $agent } no pudo comentar el contacto: { $reason }.
thread-sent = 📤 { $agent } al cliente:
thread-away = 🌙 Fuera de horario: el cliente recibió la respuesta automática.
thread-window-closed = ⛔ El mensaje de { $agent } no se envió: pasaron 24 horas desde el último mensaje del cliente, y ahora WhatsApp solo acepta plantillas.
thread-template-sent = 📄 { $agent } envió la plantilla { $name }:

## What was said before the handoff.

context-title = Antes del ticket
context-customer = Cliente
context-bot = Bot
context-agent = Agente

## Questions and news that one person reads.

ask-held = { $agent } ya tiene este ticket.
ask-typed = No se envió. Lo que escribiste:
ask-closed = Este ticket ya está cerrado.
ask-active = Todavía no hay ticket: empieza cuando el cliente responda.
ask-close-without-farewell = El ticket sigue abierto, porque la despedida no se pudo enviar. ¿Cerrarlo sin despedida?
ask-cannot-reopen = Blip no puede reabrir un ticket cerrado. Si el cliente vuelve a escribir, llega un ticket nuevo.
ask-no-identity = No te encontré en Blip, por eso no puedes tomar el ticket. Pide a quien cuida la integración que defina AGENT_MAP o BLIP_DEFAULT_AGENT.
ask-not-agent-note = Tu mensaje quedó como nota: solo los agentes hablan con el cliente.
ask-not-agent-move = Solo los agentes pueden hacer eso.
ask-not-in-channel = Solo quien está en el canal del ticket puede hacer eso: entra en él e inténtalo de nuevo.
ask-no-group = Nadie cuenta como agente ahora: el grupo de agentes configurado no existe en Slack. Avisa a quien se ocupa de la integración.
ask-no-bot = El bot de este ticket no está configurado en este momento. Lo que hiciste queda guardado y sigue cuando vuelva; avisa a quien se ocupa de la integración.
ask-closed-note = El ticket está cerrado: tu mensaje no se envió y quedó como nota.
ask-active-note = Todavía no hay ticket: empieza cuando el cliente responda. Tu mensaje no se envió y quedó como nota.
ask-not-holder = { $agent } tiene este ticket, y el cliente no recibió tu mensaje. ¿Qué hacemos con él?
ask-unclaimed = Nadie tiene este ticket, y el cliente no recibió tu mensaje. ¿Qué hacemos con él?
ask-note-edited = Este mensaje ya no empieza como nota, pero lo sigue siendo: el cliente no lo recibió. ¿Qué hacer con él?
ask-forwarded = El cliente no recibió el mensaje que reenviaste. ¿Qué hacer con él?
ask-sent = Enviado al cliente.
ask-not-sent = No se envió: mira el motivo en el hilo.
ask-kept = Quedó como nota.
ask-taken-over = Tomaste el ticket.
ask-retried = Intentando de nuevo.
ask-skipped = Descartado.
ask-closed-anyway = Cerrado igualmente.
ask-kept-open = Queda abierto.
ask-again = Slack no abrió la ventana. Inténtalo de nuevo, por favor.
ask-already-yours = Este ticket ya es tuyo.
ask-outdated = La situación cambió y este botón ya no vale.
ask-forbidden = 🚫 No se envió: “{ $word }” está prohibido en Blip. Escríbelo de nuevo sin eso.
ask-oversized = Este mensaje es demasiado grande para leerlo: quedó como nota y no se envió al cliente. Envíalo en partes más pequeñas o como archivo.
ask-resend-closed = ⚠️ No entregado al cliente, y no se puede enviar de nuevo: el ticket terminó.
ask-resend-gone = ⚠️ No entregado al cliente, y lo que se envió ya no está aquí: escríbelo de nuevo.
ask-already-sent = Ya se envió al cliente.
ask-not-note = Solo una nota se puede enviar así, y este mensaje no es una.
ask-nothing-to-send = De esta nota no se puede enviar nada al cliente.
ask-no-ticket = Este mensaje no es de ningún ticket.
ask-outside = 💬 Ningún cliente lee lo que escribes aquí, fuera de los hilos. Para responder, escribe en el hilo de la tarjeta.
ask-delayed-move = ⏳ Blip no responde. Lo que pediste está guardado y se hace en cuanto responda: no hace falta pedirlo de nuevo.
ask-delayed = ⏳ Blip no responde. Lo que escribiste está guardado y sale en cuanto responda: no hace falta escribirlo de nuevo.
ask-edited = El cliente sigue viendo el texto anterior: lo que editas aquí no le llega.
ask-deleted = El cliente ya tiene este mensaje: borrarlo aquí no lo borra allá.

## Dialogs. Titles have at most 24 characters.

dialog-close = Cerrar ticket
dialog-transfer = Transferir ticket
dialog-tags = Etiquetas del ticket
dialog-reply = Respuesta predefinida
dialog-template = Plantilla de mensaje
dialog-history = Historial
dialog-details = Detalles del ticket
dialog-contact = Editar contacto
dialog-comment = Comentario del contacto
dialog-comment-words = Comentario
dialog-comment-hint = Queda en el contacto, en Blip: el cliente no lo lee, y quien atienda después sí.
dialog-hidden-hint = Aquí hay un número oculto en Slack: déjalo vacío para no cambiarlo.
dialog-notice = Blip Desk
dialog-held = { $agent } tiene este ticket.
dialog-held-send = Enviar igualmente: { $agent } sigue con el ticket
dialog-held-take-over = Tomar y enviar
dialog-held-told = { $agent } tiene este ticket y sabrá lo que hagas.
dialog-claims = Nadie ha tomado este ticket: quien envía también lo toma.
dialog-unread = { $count ->
    [one] ⚠️ El cliente envió { $count } mensaje que todavía no aparece en Slack. Espera unos segundos y aparecerá en la conversación, o ciérralo igualmente.
   *[other] ⚠️ El cliente envió { $count } mensajes que todavía no aparecen en Slack. Espera unos segundos y aparecerán en la conversación, o ciérralo igualmente.
}
dialog-farewell = Mensaje de despedida
dialog-no-farewell = ⛔ Pasaron 24 horas desde el último mensaje del cliente: ninguna despedida llegaría. El ticket se cierra sin despedida.
dialog-farewell-late = ⛔ Tu despedida no se envió: pasaron 24 horas desde el último mensaje del cliente. ¿Cerrar el ticket sin ella?
dialog-window-closed = ⛔ Pasaron 24 horas desde el último mensaje del cliente: hasta que vuelva a escribir, WhatsApp solo acepta plantillas.
dialog-search = Escribe para buscar
dialog-destination = Transferir a
dialog-destination-hint = Un equipo o un agente. El ticket recibe un número nuevo.
dialog-tags-label = Etiquetas
dialog-reply-which = Respuesta
dialog-reply-too-long = Esta respuesta es demasiado larga para enviarla desde aquí.
dialog-template-which = Plantilla
dialog-reply-words = Mensaje (puedes editarlo)
dialog-queue-tags = Del equipo
dialog-other-tags = Otras
dialog-teams = Equipos
dialog-agents = Agentes
dialog-agent-online = 🟢 en línea
dialog-agent-paused = ⏸️ en pausa
dialog-agent-offline = ⚪ desconectado
dialog-team-online = 🟢 { $count } en línea
dialog-team-nobody = ⚪ nadie en línea
dialog-loading = ⏳ Consultando Blip…
dialog-earlier = Tickets anteriores
dialog-no-earlier = Ninguno.
dialog-transcript = Conversación
dialog-no-words = Aún no hay mensajes.
dialog-unavailable = Blip no respondió. Inténtalo de nuevo en un rato.
details-customer = Cliente
details-number = Ticket
details-state = Estado
details-channel = Canal
details-team = Equipo
details-tags = Etiquetas
details-since = Llegó
details-identity = ID del contacto en Blip
details-id = ID del ticket en Blip
details-phone = Teléfono
details-email = Correo
details-city = Ciudad
details-document = Documento
details-address = Dirección
details-group = Grupo
details-comments = Comentarios

## Reminders.

remind-unclaimed = ⏰ { $ticket } espera desde hace { $time }: nadie lo ha tomado.
remind-unclaimed-many = ⏰ { $count } tickets esperan y nadie los ha tomado:
remind-unanswered = ⏰ { $agent }, { $ticket } espera una respuesta desde hace { $time }.

## The home tab and the answers to /blip.

home-mine = Mis tickets ({ $count })
home-waiting = En espera de un agente ({ $count })
home-found = Encontrados ({ $count })
done-claimed = 👀 { $ticket } ahora es tuyo.
done-taken-over = 👀 Tomaste { $ticket }.
done-released = ⏳ Devolviste { $ticket } a la cola.
done-closed = ✅ Cerraste { $ticket }.
done-commented = El comentario quedó guardado en el contacto.
home-none-mine = No tienes ningún ticket.
home-none-waiting = Nadie está esperando.
home-outside = 👉 { $count } más en espera en { $channels }: entra en el canal para ver y tomar.
home-none-found = No se encontró ningún ticket.
home-team = { $team } · { $count } · el más antiguo desde { $time }
home-team-one = { $team } · { $count }
home-no-team = Sin equipo
home-news = { $count ->
    [one] { $count } mensaje nuevo
   *[other] { $count } mensajes nuevos
}
home-more = … y { $count } más
home-unanswered = ⏰ sin respuesta desde { $time }
home-open = 🎫 Tickets abiertos: { $open }, sin responsable: { $unclaimed }
home-unavailable = No se pudo responder ahora. Inténtalo de nuevo en un rato.
home-closed = Solo los agentes ven los tickets aquí.
pause-begun = ⏸️ Estás en pausa: no se te asigna ningún ticket nuevo. Los que ya tienes siguen siendo tuyos. Para volver: /blip volver
pause-over = ▶️ Volviste: se te pueden asignar tickets nuevos.
pause-since = ⏸️ En pausa desde { $time }
switch-pause = En pausa
switch-pause-about = No se me asigna ningún ticket nuevo
switch-messages = Avisarme por mensaje directo
switch-messages-about = Si un cliente mío escribe mientras estoy ausente
direct-waiting = 💬 { $ticket } espera tu respuesta, y estás ausente.
health-well = 🟢 La integración funciona
health-ailing = 🔴 La integración tiene problemas: avisa a quien la cuida
health-outage = 🟠 { $platform } no responde desde { $time }: lo que espera sale cuando vuelva a responder
health-parked = { $count ->
    [one] ⚠️ { $count } detenido, a la espera de que alguien lo resuelva
   *[other] ⚠️ { $count } detenidos, a la espera de que alguien los resuelva
}
help-mine = los tickets que tienes
help-waiting = quién espera un agente, por equipo
help-find = un ticket por su número o por el nombre del cliente
help-new = una plantilla a un número, por ejemplo +55 11 98765-4321
help-pause = haz una pausa, en la que no se te asigna ningún ticket nuevo
help-resume = vuelve de la pausa
help-status = cómo está la integración
help-thread = En el hilo de un ticket
help-thread-claim = 👀 en la tarjeta, Tomar o una respuesta en el hilo: el ticket es tuyo
help-thread-note = Nota, que el cliente no ve: empieza con //, usa 🔒 o menciona a un colega
help-thread-close = ✅ en la tarjeta o Cerrar: termina, con etiquetas y despedida si quieres
help-thread-marks = En tu mensaje: 📩 Blip lo tiene, 📬 llegó al cliente, 👓 fue leído, ❌ no llegó

## The home tab of who leads a team.

lead-title = 📊 Equipo
lead-now = Ahora
lead-queue = ⏳ { $unclaimed } en espera · 💬 { $held } en curso · ⏰ { $unanswered } sin respuesta
lead-oldest = Espera más larga
lead-since = desde { $time }
lead-first-answer = Primera respuesta, hoy
lead-closing = Hasta cerrar, hoy
lead-spread = { $count ->
    [one] { $count } ticket · mediana { $median } · máximo { $slowest }
   *[other] { $count } tickets · mediana { $median } · máximo { $slowest }
}
lead-none-yet = ninguno aún
lead-teams = Por equipo, hoy
lead-team = ⏳ { $unclaimed } en espera · 💬 { $held } en curso
lead-agents = Por agente, hoy
lead-agent = 💬 { $held } en curso
lead-row-first = { $count ->
    [one] 1.ª respuesta { $median } (máx. { $slowest }, { $count } ticket)
   *[other] 1.ª respuesta { $median } (máx. { $slowest }, { $count } tickets)
}
lead-row-closing = { $count ->
    [one] hasta cerrar { $median } (máx. { $slowest }, { $count } ticket)
   *[other] hasta cerrar { $median } (máx. { $slowest }, { $count } tickets)
}
lead-longest = Esperan desde hace más tiempo
lead-nobody = sin responsable

## The weekly post for who leads a team. weekly-columns are the headings of a table, weekly-days the
## days from Monday on, weekly-separator what stands between the cells of a line.

weekly-title = 📊 Semana del { $from } al { $until }
weekly-opened = Nuevos: { $count }
weekly-answered = Primera respuesta: { $spread }
weekly-closed = Hasta cerrar: { $spread }
weekly-none = ninguno
weekly-chart = La semana en un gráfico
weekly-table = Tickets de la semana
weekly-per-day = Nuevos por día
weekly-closed-by-agent = Cerrados por agente
weekly-first-by-team = Primera respuesta por equipo (mediana)
weekly-first-by-agent = Primera respuesta por agente (mediana)
weekly-days = lun mar mié jue vie sáb dom
weekly-separator = ;
weekly-columns = ticket|bot|equipo|agente|llegó|primera respuesta|cerrado|segundos hasta la primera respuesta|segundos hasta cerrar|cómo terminó|valoración

## The words behind /blip; those of all languages are understood.

command-mine = mis
command-waiting = espera
command-find = buscar
command-new = nuevo
command-pause = pausa
command-resume = volver
command-status = estado

## What the app is made of in Slack, in the language of LOCALE.

manifest-command = Mis tickets, quién espera, buscar un ticket, estado, ayuda
manifest-hint = mis | espera | buscar 1042 o Maria | estado | ayuda
manifest-claim = Tomar el ticket de este hilo
manifest-close = Cerrar el ticket de este hilo
manifest-reply = Enviar una respuesta predefinida al cliente
manifest-compose = Enviar botones, menú, ubicación o enlace al cliente
manifest-note = Evitar que se envíe un mensaje mientras hay tiempo
manifest-send-note = Enviar esta nota al cliente como respuesta
manifest-details = Todo lo que se sabe del ticket de este hilo
manifest-comment = Guardar el mensaje como comentario en el contacto del cliente

## What a customer sent, where it is more than words. Most are labels that lines follow.

content-address = Dirección: { $text }
content-also = También contiene:
content-asks-location = 📍 Solicitud de ubicación
content-audio = 🎧 Audio
content-call = 📞 Llamada
content-call-allowed = 📞 El cliente aceptó recibir llamadas
content-call-answered = Atendida
content-call-busy = Ocupado
content-call-cancelled = Cancelada
content-call-completed = Completada
content-call-failed = Falló
content-call-permission = 📞 Respuesta a la solicitud de llamada
content-call-progress = En curso
content-call-refused = 📞 El cliente no quiere recibir llamadas
content-call-unanswered = No atendida
content-call-video = 📹 Videollamada
content-call-voice = 📞 Llamada de voz
content-checkout = 🛒 Compra
content-contact = 👤 Contacto
content-copy-and-paste = 📋 Código para copiar
content-created = Creado: { $text }
content-date = Fecha: { $text }
content-deleted = 🗑️ El cliente borró un mensaje
content-due = Vencimiento: { $text }
content-empty = Mensaje vacío
content-file = 📎 Archivo
content-file-unavailable = Este archivo no se puede abrir
content-form = 📝 Formulario completado
content-human-requested = 🙋 El cliente pidió hablar con una persona
content-image = 🖼️ Imagen
content-invoice = 🧾 Cobro
content-invoice-status = 🧾 Estado del pago
content-link-clicked = 🔗 El cliente abrió un enlace
content-location = 📍 Ubicación
content-more = … y más contenido, que no cabe aquí
content-paid = Pagado: { $text }
content-payment-receipt = 🧾 Comprobante de pago
content-reaction = Reaccionó con { $emoji }
content-reaction-to = Reaccionó con { $emoji } a: { $text }
content-reaction-removed = Quitó la reacción
content-reaction-removed-from = Quitó la reacción a: { $text }
content-redirected = ↪️ Conversación redirigida
content-reply-to = En respuesta a: { $text }
content-earlier = un mensaje anterior
content-earlier-link = un mensaje anterior: { $link }
content-resource = 📄 Contenido preparado
content-sensitive = 🔒 Contenido sensible, oculto
content-sticker = 🏷️ Sticker
content-summary = 📋 Resumen de la conversación
content-survey = ⭐ Encuesta de satisfacción
content-score = Valoración: { $text }
content-system = ⚙️ Aviso interno de Blip
content-taxes = Impuestos: { $text }
content-template = 📄 Plantilla de mensaje
content-ticket = 🎫 Ticket
content-typing = Escribiendo…
content-unavailable = 🚫 Contenido no disponible
content-unknown = ❔ Mensaje del tipo { $kind }
content-unknown-text = ❔ Mensaje del tipo { $kind }: { $text }
content-unreadable = ⚠️ Mensaje demasiado grande o mal formado, que no se puede mostrar ({ $kind }). Consúltalo en Blip o pide al cliente que lo envíe de otra forma.
content-video = 🎬 Video
content-voice = 🎤 Mensaje de voz

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
channel-mailgun-gw-msging-net = Correo
channel-take-io = SMS
channel-tangram-com-br = SMS
channel-msging-net = Blip
channel-tunnel-msging-net = Blip
channel-other = { $domain }

## Reasons by code of Blip, Meta or Slack (with a hyphen for each underscore), or by the name of
## our fault. They end a sentence: no capital at the beginning, no full stop.

reason-unknown = sin motivo informado
reason-other = Blip lo rechazó (código { $code })
reason-unexplained = Blip no lo aceptó y no dice por qué
reason-slack = Slack no lo aceptó (código { $code })
reason-described = { $description } (código { $code })
reason-busy = demasiados mensajes a la vez
reason-unreachable = sin conexión desde hace días
reason-outcome-unknown = sin respuesta, y no hay cómo saber si llegó
reason-credentials = las credenciales de la integración no fueron aceptadas
reason-internal-error = error de la integración
reason-21 = la solicitud no es válida para Blip
reason-24 = el ticket ya no acepta este cambio
reason-25 = Blip no conoce a este agente
reason-31 = la clave de Blip no tiene permiso
reason-33 = el destinatario ya no existe
reason-34 = se acabó el límite de mensajes del contrato
reason-35 = la clave de Blip no tiene permiso
reason-42 = no se encontró al destinatario
reason-64 = Blip no aceptó los datos del ticket o del agente
reason-66 = Blip no permite esto para el ticket
reason-67 = Blip no encontró lo que se pidió
reason-71 = el canal no acepta este tipo de contenido
reason-82 = el canal no acepta este tipo de contenido
reason-83 = el canal no encontró al cliente
reason-84 = el canal no permite esto
reason-85 = el canal recibió demasiados mensajes
reason-86 = el canal no respondió a tiempo
reason-87 = el canal bloqueó los mensajes a este cliente
reason-130472 = Meta no lo entregó por un experimento suyo
reason-131026 = este número no puede recibir mensajes en WhatsApp
reason-131031 = la cuenta de WhatsApp está bloqueada
reason-131047 = pasaron más de 24 horas desde el último mensaje del cliente, y WhatsApp ya solo acepta plantillas
reason-131051 = WhatsApp no acepta este tipo de mensaje
reason-131052 = WhatsApp no pudo descargar el archivo
reason-131053 = WhatsApp no pudo recibir el archivo
reason-channel-not-found = la app no encuentra el canal de Slack
reason-file-access-denied = la integración no puede ver el archivo
reason-file-canvas = es un canvas, que solo Slack abre; copia el texto o expórtalo como PDF
reason-file-list = es una lista de Slack, que solo Slack abre; copia el texto
reason-file-post = es una publicación de Slack, que solo Slack abre; copia el texto
reason-file-email = es un correo, que Slack no entrega como archivo; copia el texto
reason-file-deleted = se borró en Slack
reason-file-elsewhere = no está guardado en Slack; envía el enlace
reason-file-hidden = el plan del espacio de trabajo oculta el archivo
reason-file-not-ready = Slack no entrega el archivo
reason-file-uploads-disabled = la carga de archivos está desactivada en este espacio de trabajo
reason-file-web-page = Slack muestra una página de inicio de sesión en su lugar; la app puede necesitar el permiso files:read
reason-no-public-url = la integración no tiene dirección pública; pide a quien la administra que defina PUBLIC_URL
reason-no-scope-for-files = la app no tiene permiso para archivos y debe instalarse de nuevo
reason-storage-limit-reached = el almacenamiento del espacio de trabajo está lleno
reason-is-archived = el canal de Slack está archivado
reason-missing-scope = a la app le falta un permiso en Slack y debe instalarse de nuevo
reason-msg-too-long = el texto es demasiado largo para Slack
reason-not-in-channel = la app no está en el canal de Slack
reason-too-many-members = el canal tiene demasiados miembros para leerlos
reason-ticket-closed = el ticket ya había terminado
reason-no-such-bot = el bot de este ticket no está configurado
reason-router-key-refused = no se aceptó la clave del bot que tiene el canal de WhatsApp; quien administra la app puede configurar otra
reason-paid-unknown = no se puede saber si se envió, y se cobraría de nuevo
reason-restricted-action = Slack no deja que la app escriba en este canal
reason-thread-not-found = el hilo se borró en Slack

## Times, as patterns of strftime.

size-point = ,
time-at = a las
time-clock = %H:%M
time-day = %d/%m/%Y
time-date = %d/%m/%Y %H:%M
time-moment = %d/%m, %H:%M
time-minutes = { $minutes } min
time-hours = { $hours } h { $minutes } min
time-days = { $days } d { $hours } h

## Archivos: por qué uno no aparece, o no se envió; frases cortas después del nombre.

words-left-out = { $count ->
    [one] … y { $count } carácter más, que puede leerse en Blip Desk.
   *[other] … y { $count } caracteres más, que se pueden leer en Blip Desk.
}
file-address = No se abrió aquí: su dirección no es pública.
file-came-later = { $file }: llegó después, vea más abajo
file-coming = { $file }, en camino
file-empty = El archivo está vacío.
file-gone = El enlace ya no funciona.
file-later = No se pudo descargar.
file-not-brought = { $file }: no se pudo traer aquí, vea más abajo
file-not-shown = Slack lo aceptó y no lo muestra.
file-not-taken = Slack no lo aceptó: { $reason }.
file-one-of-many = Solo se traen aquí los primeros { $count } archivos de un mensaje; los demás están en sus enlaces:
file-too-large = Tiene más de { $limit } y no se trajo aquí.
file-too-much = Junto con los demás archivos de su mensaje tiene más de { $limit } y no se trajo aquí.
file-too-slow = Llegaba demasiado despacio.
file-web-page = El enlace lleva a una página y no a un archivo.
file-not-sent = ⚠️ { $name } no se envió al cliente: { $reason }.
file-large-for-channel = { $name } tiene { $size }, y el canal del cliente acepta { $limit } como máximo: puede no llegar.

## Componer lo que es más que palabras: el diálogo con vista previa.

menu-compose = ✨ Enviar botones, menú, ubicación o enlace
button-preview = Vista previa
dialog-compose = Mensaje interactivo
dialog-preview = Vista previa
dialog-recipient = Para { $customer }
compose-kind = Qué enviar
compose-quick = Respuestas rápidas
compose-menu = Menú
compose-place = Ubicación
compose-link = Enlace
compose-question = Mensaje
compose-options = Opciones, una por línea
compose-quick-hint = De 1 a 3 opciones distintas, de hasta 20 caracteres cada una.
compose-menu-hint = De 1 a 10 opciones distintas, de hasta 24 caracteres cada una.
compose-where = Coordenadas o enlace del mapa
compose-where-hint = Ej.: -22.9519, -43.2105, o un enlace de Google Maps con las coordenadas.
compose-label = Nombre del lugar
compose-address = Enlace (URL)
compose-title = Título
compose-text = Texto
compose-preview = El cliente recibirá este mensaje:
compose-wrong-question = Falta el mensaje.
compose-wrong-where = No encontré coordenadas en ese texto.
compose-wrong-address = Debe empezar con https:// o http://
compose-too-long = El texto pasó del límite. Acórtalo un poco.
templates-file = Enlace del archivo sobre el texto (https://…)
templates-title = Variable { $name } del título, que va aquí: “{ $text }”
templates-variable = Variable { $name }, que va aquí: “{ $text }”
templates-link = Final del enlace del botón “{ $button }”
templates-wrong-value = Una línea de texto, sin tabulaciones ni más de cuatro espacios seguidos.
templates-gone = Esta plantilla ya no está disponible. Elige otra.
templates-cost = 💲 WhatsApp cobra por cada plantilla enviada.
templates-none = WhatsApp no tiene ninguna plantilla aprobada que se pueda enviar desde aquí.
templates-no-key = No se pueden enviar plantillas desde aquí: la app no tiene la clave del bot que tiene el canal de WhatsApp. Quien la administra puede configurarla.
templates-unavailable = Blip no informó las plantillas. Inténtalo de nuevo en un momento; si sigue así, blip-slack doctor muestra el motivo.
templates-not-allowed = No se pueden enviar plantillas desde aquí: Blip no permite que la clave de la app vea las plantillas; quizá no sea la del bot que tiene el canal de WhatsApp. Quien la administra puede configurar otra.
templates-no-whatsapp = Las plantillas solo se envían a clientes de WhatsApp, y solo cuando Blip informa quiénes son allí.
active-not-set-up = Los mensajes activos no están configurados: quien administra la app debe definir la clave del bot que tiene el canal de WhatsApp y el bloque en el que entran las respuestas.
active-wrong-number = Escribe el número con + y el país, por ejemplo: /blip nuevo +55 11 98765-4321
active-which-bot = Varios bots pueden escribir. Agrega el nombre de uno: { $bots }
active-choose = Elige la plantilla para { $number } en la ventana que se abrió.
active-no-whatsapp = { $number } no está en WhatsApp: no se envió nada.
active-refused = No se envió nada a { $number }: { $reason }.
active-unknown = No se puede saber si la plantilla salió para { $number }. Revisa en Blip antes de enviarla de nuevo.
active-open-ticket = este cliente tiene un ticket abierto, y mientras tanto Blip no envía mensajes activos
active-wrong-template = Esta plantilla tiene variables en el título, en los botones o con nombres, y un mensaje activo no tiene lugar para ellas. Elige otra.
