package translate

import (
	"cmp"
	"strings"
)

// mediaTitle is the title of a post that has nothing but files or links: what
// is to be seen, else what kind of file it is.
func mediaTitle(p Post) string {
	for _, m := range p.Media {
		return cutRunes(cmp.Or(oneLine(m.Alt), fileWord(m.MediaType, p.Lang)), shortTitle)
	}
	for _, l := range p.Links {
		return cutRunes(cmp.Or(l.Title, l.URL), shortTitle)
	}
	return "…"
}

// fileWords call a picture, a film, a sound and any other file by its name.
type fileWords struct{ picture, video, audio, file string }

// fileWord is the word for a kind of file in a language, else in English.
func fileWord(mediaType, lang string) string {
	primary, _, _ := strings.Cut(strings.ToLower(lang), "-")
	var words fileWords
	switch primary {
	case "de":
		words = fileWords{"Bild", "Video", "Ton", "Datei"}
	case "es":
		words = fileWords{"Imagen", "Vídeo", "Audio", "Archivo"}
	case "fr":
		words = fileWords{"Image", "Vidéo", "Son", "Fichier"}
	case "it":
		words = fileWords{"Immagine", "Video", "Audio", "File"}
	case "ja":
		words = fileWords{"画像", "動画", "音声", "ファイル"}
	case "nl":
		words = fileWords{"Afbeelding", "Video", "Geluid", "Bestand"}
	case "pl":
		words = fileWords{"Obraz", "Film", "Dźwięk", "Plik"}
	case "pt":
		words = fileWords{"Imagem", "Vídeo", "Áudio", "Ficheiro"}
	case "ru":
		words = fileWords{"Изображение", "Видео", "Аудио", "Файл"}
	case "zh":
		words = fileWords{"图片", "视频", "音频", "文件"}
	default:
		words = fileWords{"Picture", "Video", "Audio", "File"}
	}
	kind, _, _ := strings.Cut(mediaType, "/")
	switch kind {
	case "image":
		return words.picture
	case "video":
		return words.video
	case "audio":
		return words.audio
	}
	return words.file
}
