// What the page says, in Russian and English.

import * as payments from "./payment-words.js";

const RU = {
  skip: "К сообщению", sandbox: "песочница", people: "Пользователи", add_person: "Новый пользователь", chat: "Чат с ботом",
  people_hint: "У каждого свой чат и свой счёт.", language: "Language: English", language_button: "EN",
  messages: "Сообщения", to_end: "К последнему сообщению", commands: "Команды бота", attach: "Приложить фото", message: "Сообщение",
  send: "Отправить", panel: "Счёт", back: "Назад в чат", wallet: "Кошелёк", balance: "Баланс", held: "Удержано",
  free: "Бесплатных", of: "из", give_100: "+ 100 ₽", take_10: "− 10 ₽", give_free: "+ 1 бесплатная",
  operations: "Операции", no_operations: "Операций пока нет. Попросите у бота картинку.", entries: "Проводки",
  no_entries: "Проводок пока нет.", from_to: "Откуда → куда", amount: "Сколько", after: "Стало",
  faults: "Что сломать", faults_hint: "Пусть что-нибудь пойдёт не так: деньги всё равно вернутся.",
  fal: "Генератор (fal.ai)", telegram: "Telegram", twice: "Каждое обновление приходит дважды",
  block: "Пользователь заблокировал бота", odd_sticker: "Стикер", odd_voice: "Голосовое", odd_file: "Файл 25 МБ",
  name: "Имя", their_language: "Язык", cancel: "Отмена", add: "Добавить", picture: "Картинка", close: "Закрыть",
  bot: "бот", typing: "печатает…", upload_photo: "отправляет фото…", upload_document: "отправляет файл…", blocked: "заблокирован",
  start: "Запустить", unblock: "Разблокировать", empty: "Здесь пока пусто. Нажмите «Запустить», и бот ответит.",
  offline: "Нет связи с песочницей. Она остановлена? Запустите make run; страница вернётся сама.",
  loading: "Загрузка…", edited: "изменено", as_file: "как файл (без сжатия)", remove: "Убрать", sticker: "Стикер",
  voice: "Голосовое сообщение", file: "Файл", photo: "Фото", shown_to: "Счёт пользователя",
  real: "Бот работает в настоящем Telegram: пишите ему там. Чтобы вернуть чат на эту страницу, уберите TELEGRAM_BOT_TOKEN из .env.",
  telegram_id: "Чей счёт показать (Telegram id)",
  down: "Биллинг не отвечает: показано последнее, что было известно. Он перезапускается сам; загляните в data/logs.",
  down_empty: "Биллинг не отвечает. Он перезапускается сам; загляните в data/logs.",
  failed: "Не получилось", you: "Вы", real_fal: "настоящий fal.ai", real_telegram: "настоящий Telegram",
  states: { CHARGED: "выполняется, оплата удержана", COMPLETED: "готово", REFUNDED: "всё возвращено", DECLINED: "отказано" },
  reasons: { JOB_FAILED: "не получилось сделать", CONTENT_REJECTED: "содержание отклонено", UNDELIVERABLE: "не доставлено",
    CUSTOMER_REQUEST: "по просьбе", OTHER: "другое", EXPIRED: "время вышло" },
  declines: { INSUFFICIENT_FUNDS: "не хватает средств", PRICE_CHANGED: "цена изменилась", USER_BLOCKED: "пользователь заблокирован",
    IN_DEBT: "есть долг" },
  errors: { INSUFFICIENT_FUNDS: "столько на балансе нет", UNAVAILABLE: "биллинг не отвечает", NOT_A_PICTURE: "это не картинка; отправьте её как файл",
    COUNT_OF_PICTURES: "в альбоме не больше 10 картинок", BAD_NAME: "имя от 1 до 64 знаков" },
  kinds: { generate: "🎨 Создать", edit: "✏️ Редактировать", merge: "🔗 Объединить", add_text: "📝 Добавить текст",
    face_swap: "🔄 Заменить лицо", retouch: "✨ Ретушь", upscale: "⬆️ Улучшить" },
  accounts: { available: "баланс", held: "удержано", revenue: "выручка", grants: "подарки", expired: "сгорело", adjustments: "корректировки",
    grant: "подарок", topups: "пополнения" },
  free_unit: "оп.", paid_free: (n) => `бесплатных: ${n}`, paid_promotional: "бонусы", paid_balance: "баланс",
  faults_fal: { "": "работает", content_refused: "отказывает по содержанию", nsfw_result: "результат отклонён фильтром", bad_input: "не принимает запрос",
    job_fails: "задание падает", slow: "медленно (+15 секунд)", too_many_requests: "429, зайдите позже", server_error: "500 на каждый запрос",
    unavailable: "503, недоступен", drop_connection: "рвёт связь, приняв запрос", dead_result_url: "ссылка на результат мертва" },
  faults_telegram: { "": "работает", too_many_requests: "429, подождите 5 секунд", server_error: "500 на каждый запрос",
    bad_gateway: "502 и страница HTML", drop_before: "рвёт связь", drop_after: "рвёт связь, всё сделав" },
};

const EN = {
  skip: "To the message box", sandbox: "sandbox", people: "Users", add_person: "New user", chat: "Chat with the bot",
  people_hint: "Each has a chat and an account of their own.", language: "Язык: русский", language_button: "RU",
  messages: "Messages", to_end: "To the newest message", commands: "Commands of the bot", attach: "Attach photos", message: "Message",
  send: "Send", panel: "Account", back: "Back to the chat", wallet: "Wallet", balance: "Balance", held: "Held",
  free: "Free", of: "of", give_100: "+ 100 ₽", take_10: "− 10 ₽", give_free: "+ 1 free",
  operations: "Operations", no_operations: "No operations yet. Ask the bot for a picture.", entries: "Entries",
  no_entries: "No entries yet.", from_to: "From → to", amount: "Amount", after: "After",
  faults: "Break something", faults_hint: "Let something go wrong: the money comes back all the same.",
  fal: "Generator (fal.ai)", telegram: "Telegram", twice: "Every update comes twice",
  block: "The user has blocked the bot", odd_sticker: "Sticker", odd_voice: "Voice", odd_file: "25 MB file",
  name: "Name", their_language: "Language", cancel: "Cancel", add: "Add", picture: "Picture", close: "Close",
  bot: "bot", typing: "typing…", upload_photo: "sending a photo…", upload_document: "sending a file…", blocked: "blocked",
  start: "Start", unblock: "Unblock", empty: "Nothing here yet. Press “Start” and the bot will answer.",
  offline: "No connection to the sandbox. Was it stopped? Run make run; the page comes back by itself.",
  loading: "Loading…", edited: "edited", as_file: "as a file (uncompressed)", remove: "Remove", sticker: "Sticker",
  voice: "Voice message", file: "File", photo: "Photo", shown_to: "Account of",
  real: "The bot works in the real Telegram: write to it there. To have the chat back here, remove TELEGRAM_BOT_TOKEN from .env.",
  telegram_id: "Whose account to show (Telegram id)",
  down: "Billing does not answer: this is the last that was known. It restarts by itself; see data/logs.",
  down_empty: "Billing does not answer. It restarts by itself; see data/logs.",
  failed: "That did not work", you: "You", real_fal: "the real fal.ai", real_telegram: "the real Telegram",
  states: { CHARGED: "running, payment held", COMPLETED: "done", REFUNDED: "everything given back", DECLINED: "declined" },
  reasons: { JOB_FAILED: "could not be done", CONTENT_REJECTED: "content refused", UNDELIVERABLE: "not deliverable",
    CUSTOMER_REQUEST: "as asked", OTHER: "other", EXPIRED: "time was up" },
  declines: { INSUFFICIENT_FUNDS: "too little money", PRICE_CHANGED: "the price changed", USER_BLOCKED: "the user is blocked",
    IN_DEBT: "there is a debt" },
  errors: { INSUFFICIENT_FUNDS: "the balance has not that much", UNAVAILABLE: "billing does not answer", NOT_A_PICTURE: "that is no picture; send it as a file",
    COUNT_OF_PICTURES: "an album has up to 10 pictures", BAD_NAME: "a name has 1 to 64 characters" },
  kinds: { generate: "🎨 Create", edit: "✏️ Edit", merge: "🔗 Merge", add_text: "📝 Add text",
    face_swap: "🔄 Swap face", retouch: "✨ Retouch", upscale: "⬆️ Upscale" },
  accounts: { available: "balance", held: "held", revenue: "revenue", grants: "gifts", expired: "expired", adjustments: "adjustments",
    grant: "gift", topups: "top-ups" },
  free_unit: "op.", paid_free: (n) => `free: ${n}`, paid_promotional: "bonus", paid_balance: "balance",
  faults_fal: { "": "works", content_refused: "refuses the content", nsfw_result: "the result is filtered out", bad_input: "refuses the input",
    job_fails: "the job fails", slow: "slow (+15 seconds)", too_many_requests: "429, come back later", server_error: "500 for every request",
    unavailable: "503, unavailable", drop_connection: "drops the connection after accepting", dead_result_url: "the result's link is dead" },
  faults_telegram: { "": "works", too_many_requests: "429, wait 5 seconds", server_error: "500 for every request",
    bad_gateway: "502 and a page of HTML", drop_before: "drops the connection", drop_after: "does it, then drops the connection" },
};

const kept = localStorage.getItem("language");
const preferred = navigator.languages?.some((tag) => tag.startsWith("ru")) ? "ru" : "en";
export const language = kept === "ru" || kept === "en" ? kept : preferred;
const [common, paying] = language === "ru" ? [RU, payments.RU] : [EN, payments.EN];
export const words = { ...common, ...paying, errors: { ...common.errors, ...paying.errors } };

/** Puts the words into the page's markup. */
export function say(root = document) {
  document.documentElement.lang = language;
  const each = (name, put) => root.querySelectorAll(`[data-${name}]`).forEach((node) => put(node, words[node.dataset[name]]));
  each("word", (node, word) => { node.textContent = word; });
  each("label", (node, word) => node.setAttribute("aria-label", word));
  each("title", (node, word) => { node.title = word; });
  each("placeholder", (node, word) => { node.placeholder = word; });
}

export function switchLanguage() {
  localStorage.setItem("language", language === "ru" ? "en" : "ru");
  location.reload();
}

/** "12.50" → "12,50 ₽"; digits stay what billing said. */
export function rubles(amount) {
  const [whole, kopecks] = amount.split(".");
  const grouped = whole.replace("-", "−").replace(/\B(?=(\d{3})+$)/g, "\u00a0");
  return `${grouped}${language === "ru" ? "," : "."}${kopecks}\u00a0₽`;
}

/** What a provider counts: rubles, or whole Stars. */
export function price({ value, currency }) {
  if (currency === "XTR") return `⭐\u00a0${value.split(".")[0]}`;
  return currency === "RUB" ? rubles(value) : `${value}\u00a0${currency}`;
}

export function clock(millis) {
  return new Date(millis).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}
