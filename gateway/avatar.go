package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // what people have for a face
	"image/jpeg"
	"image/png"
	"slices"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // as Misskey serves them
)

// An avatar fits a stanza as base64 with room to spare, in a size that clients show
// (XEP-0084 §4.1). What it is made from may be larger, but not without end.
const (
	avatarMost   = 48 << 10 // bytes
	avatarSource = 4 << 20
	avatarPixels = 8 << 20
)

// drawAtOnce is how many pictures are made smaller at a time: each may take as
// much memory as its pixels.
const drawAtOnce = 2

// avatarSides are the sizes that are tried, until one is small enough.
func avatarSides() []int { return []int{256, 192, 128, 96} }

// draw makes a picture that clients can show of one from elsewhere, and gives its
// media type.
func (g *Gateway) draw(ctx context.Context, body []byte) ([]byte, string, error) {
	select {
	case g.drawing <- struct{}{}:
		defer func() { <-g.drawing }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	return avatarOf(body)
}

// avatarOf is a small PNG or JPEG of the same picture; the picture itself if it is
// one.
func avatarOf(body []byte) ([]byte, string, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return nil, "", fmt.Errorf("read picture: %w", err)
	}
	if config.Width < 1 || config.Height < 1 || config.Height > avatarPixels/config.Width {
		return nil, "", fmt.Errorf("picture of %d by %d points", config.Width, config.Height)
	}
	source, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return nil, "", fmt.Errorf("read picture: %w", err)
	}
	sides := avatarSides()
	if len(body) <= avatarMost && max(config.Width, config.Height) <= 2*sides[0] && slices.Contains([]string{"png", "jpeg"}, format) {
		return body, "image/" + format, nil
	}
	for _, side := range sides {
		small := fit(source, side)
		var out bytes.Buffer
		if small.Opaque() {
			err = jpeg.Encode(&out, small, &jpeg.Options{Quality: 85})
		} else {
			err = png.Encode(&out, small)
		}
		if err != nil {
			return nil, "", fmt.Errorf("write picture: %w", err)
		}
		if out.Len() <= avatarMost && small.Opaque() {
			return out.Bytes(), "image/jpeg", nil
		}
		if out.Len() <= avatarMost {
			return out.Bytes(), "image/png", nil
		}
	}
	return nil, "", errors.New("the picture cannot be made small enough")
}

// fit is a picture whose longer side is at most so many points.
func fit(source image.Image, side int) *image.NRGBA {
	width, height := source.Bounds().Dx(), source.Bounds().Dy()
	if longer := max(width, height); longer > side {
		width, height = max(1, width*side/longer), max(1, height*side/longer)
	}
	small := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(small, small.Bounds(), source, source.Bounds(), draw.Src, nil)
	return small
}
